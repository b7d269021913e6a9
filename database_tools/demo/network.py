"""The architecture of the demo world's detector: a small feature pyramid with two heads.

A picture of 256x320 becomes a map of 32x40 cells of 8x8 pixels.  Each cell says whether the middle
of an animal lies in it, and how far the animal's edges are from the cell's centre (Zhou et al.
2019, "Objects as Points"; distances as in Tian et al. 2019, "FCOS").

Written once for training and use: ``heads`` is given the convolution that it is to be built of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

HEIGHT, WIDTH, STRIDE = 256, 320, 8


Convolution = Callable[..., Any]
"""Applies the layer ``name`` to (B, H, W, C) float32: (name, x, filters, kernel=3, stride=1,
relu=True).  ``SAME`` padding, then a bias, then a ReLU if ``relu``."""

Enlargement = Callable[[Any], Any]
"""Repeats each cell twice down and across: from (B, H, W, C) to (B, 2H, 2W, C)."""


def heads(x: Any, conv: Convolution, enlarge: Enlargement) -> tuple[Any, Any]:
    """What the network says about pictures (B, 256, 320, 3), float32 in [-1, 1].

    Returns:
        (B, 32, 40, 1) logits that an animal's middle is in the cell, and (B, 32, 40, 4) logarithms
        of the distances from the cell's centre to the left, upper, right and lower edge, in cells.
    """
    x = conv("stem", x, 16, stride=2)
    x = conv("quarter", x, 24, stride=2)
    fine = conv("fine", x, 32, stride=2)
    fine = fine + conv("fine_more", fine, 32)
    middle = conv("middle", fine, 44, stride=2)
    middle = middle + conv("middle_more", middle, 44)
    coarse = conv("coarse", middle, 44, stride=2)
    # Cells of 32 pixels: here the network sees whole animals, for whose edges it must know.
    coarse = coarse + conv("coarse_more", coarse, 44)
    coarse = coarse + conv("coarse_most", coarse, 44)
    middle = conv("middle_lateral", middle, 44, 1) + enlarge(coarse)
    middle = conv("middle_out", middle, 32)
    fine = conv("fine_lateral", fine, 32, 1) + enlarge(middle)
    fine = conv("fine_out", fine, 32)
    heat = conv("heat", conv("heat_hidden", fine, 32), 1, 1, relu=False)
    edges = conv("edges", conv("edges_hidden", fine, 32), 4, 1, relu=False)
    return heat, edges
