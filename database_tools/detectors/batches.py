"""Which pictures of a list a detector computes together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

MOST_PIXELS = 120_000_000
"""Of one batch: eight pictures of 12 megapixels and some; larger ones go in smaller batches."""


def of_equal_size(
    shapes: Sequence[tuple[int, ...]], batch_size: int, most_pixels: int = MOST_PIXELS
) -> list[list[int]]:
    """Group pictures (height, width, ...) of one size; one of too many pixels is alone.

    Returns:
        Positions in ``shapes``, each once; the batches and the positions in each are in listed
        order, so that one list is always cut the same way.
    """
    by_size: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, shape in enumerate(shapes):
        by_size[shape].append(i)
    cut = []
    for shape, members in by_size.items():
        at_once = max(1, min(batch_size, most_pixels // max(1, shape[0] * shape[1])))
        cut += [members[i : i + at_once] for i in range(0, len(members), at_once)]
    return sorted(cut)
