"""A confusion matrix as a picture, drawn with Pillow.

That takes milliseconds, where matplotlib takes half a second: every epoch, for every split.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

_WHITE, _BLUE = np.array([255, 255, 255]), np.array([8, 48, 107])
_MOST_WITH_NUMBERS = 25  # labels; beyond, cells are too small for text
_MARGIN = 110


def draw(confusion: npt.NDArray[np.float64], label_names: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Draw a matrix with each row as shares of the true label.

    Args:
        confusion: (C, C) counts, row: true label, column: predicted.
        label_names: of the C labels.

    Returns:
        (height, width, 3) uint8.  Rows are named, columns numbered as the rows; with many
        labels only the colours are left.
    """
    totals = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals > 0)
    c = len(label_names)
    cell = 28 if c <= _MOST_WITH_NUMBERS else max(2, 700 // c)
    colours = _WHITE + shares[..., None] * (_BLUE - _WHITE)
    cells = Image.fromarray(colours.round().astype(np.uint8)).resize((c * cell, c * cell), 0)
    if c > _MOST_WITH_NUMBERS:
        return np.asarray(cells)
    picture = Image.new("RGB", (_MARGIN + c * cell, 20 + c * cell), "white")
    picture.paste(cells, (_MARGIN, 20))
    _write(ImageDraw.Draw(picture), shares, label_names, cell)
    return np.asarray(picture)


def _write(
    pen: ImageDraw.ImageDraw, shares: npt.NDArray[np.float64], names: Sequence[str], cell: int
) -> None:
    for i, name in enumerate(names):
        pen.text((4, 20 + i * cell + 8), f"{i} {name}"[:17], fill="black")
        pen.text((_MARGIN + i * cell + 8, 4), str(i), fill="black")
        for j, share in enumerate(shares[i]):
            ink = "white" if share > 0.5 else "black"
            place = (_MARGIN + j * cell + 5, 20 + i * cell + 8)
            pen.text(place, f"{100 * share:.0f}", fill=ink)
