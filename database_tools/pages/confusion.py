"""The chart of a confusion matrix: which cells it has, as SVG for pages and as pixels for logs.

    SVG(confusion.svg_of(np.load("confusion_matrices.npz")["test"], label_names))

Rows are true labels, columns predicted ones, each row in percent: green what is right, orange
what is not.  Of more than ``MOST_LABELS`` labels it shows those with the most mistakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from PIL import Image, ImageDraw

from database_tools.pages import svg
from database_tools.pages.svg import GREEN, ORANGE, PALE

MOST_LABELS = 40  # more cannot be read
_LEAST_SEEN = 0.005  # a share below it is not written
_MARGIN = 110  # pixels for names beside the picture


@dataclass(frozen=True)
class Cell:
    """One cell: numbers of its true and predicted label, and what share of the row's crops it has.

    The ``number`` that is written in it is percent, and "" for nearly nothing.
    """

    row: int
    column: int
    labels: tuple[int, int]
    share: float
    colour: str
    ink: str
    number: str
    said: str


def shown(table: npt.NDArray[np.number]) -> npt.NDArray[np.int64]:
    """Return the labels that are shown of (C, C) counts, in label order.

    Those with the most mistakes, of them or for them; of equals those with the most crops.
    """
    crops = table.sum(axis=1)
    mistakes = crops + table.sum(axis=0) - 2 * np.diagonal(table)
    return np.sort(np.lexsort((-crops, -mistakes))[:MOST_LABELS])


def cells(table: npt.NDArray[np.number], names: Sequence[str]) -> Iterator[Cell]:
    """Yield the cells of the shown labels, row by row."""
    labels = shown(table)
    for row, i in enumerate(labels):
        total = table[i].sum()
        for column, j in enumerate(labels):
            share = float(table[i, j] / total) if total else 0.0
            yield Cell(
                row,
                column,
                (int(i), int(j)),
                share,
                svg.heat(share, GREEN if i == j else ORANGE),
                "#ffffff" if share > 0.4 else svg.INK,
                f"{100 * share:.0f}" if share >= _LEAST_SEEN else "",
                f"{table[i, j]:.0f} of {total:.0f} {names[i]} taken for {names[j]}",
            )


def svg_of(
    table: npt.NDArray[np.number],
    names: Sequence[str],
    link: Callable[..., dict[str, str]] | None = None,
) -> Markup:
    """Draw (C, C) counts, a row for each true label, as SVG; rest the pointer on a cell to read it.

    ``link(label)`` and ``link(true, predicted)`` give the attributes of a link.
    """
    labels = shown(table)
    side = _side(len(labels))
    left = min(8 + max(_width(_short(names[i])) for i in labels), 220)
    top = left * 0.75 + 22
    whole = side * len(labels)

    def linked(part: Markup, *which: int) -> Markup:
        return svg.shape("a", part, **link(*map(int, which))) if link else part

    parts = [
        svg.text(left + whole / 2, 12, "taken for", text_anchor="middle", class_="axis"),
        svg.shape("rect", class_="field", fill="#f4f7f5", x=left, y=top, width=whole, height=whole),
    ]
    for at, i in enumerate(labels):
        x, y, name = left + at * side, top + at * side, _short(names[i])
        turn = f"rotate(-48 {x + side / 2:.0f} {top - 6:.0f})"
        said = svg.text(left - 6, y + side / 2 + 4, name, text_anchor="end")
        parts.append(linked(said, i))
        parts.append(svg.text(x + side / 2, top - 6, name, transform=turn))
        for way in ([(x, top), (x, top + whole)], [(left, y), (left + whole, y)]):
            parts.append(svg.line(way, PALE, stroke_width=1))
    for cell in cells(table, names):
        if not cell.share:
            continue
        x, y = left + cell.column * side, top + cell.row * side
        place = {"x": x, "y": y, "width": side - 1, "height": side - 1, "rx": 2}
        fill = {
            "fill": GREEN if cell.row == cell.column else ORANGE,
            "fill_opacity": svg.strength(cell.share),
        }
        drawn = svg.shape("rect", svg.title(cell.said), **place, **fill)
        if cell.number and side >= 24:
            at_middle = {"text_anchor": "middle", "pointer_events": "none"}
            ink = {"fill": cell.ink} if cell.ink != svg.INK else {}
            drawn += svg.text(x + side / 2, y + side / 2 + 4, cell.number, **at_middle, **ink)
        parts.append(linked(drawn, *cell.labels))
    # names of columns lean to the right, by the cosine of 48 degrees
    ends = [
        left + (at + 0.5) * side + 0.67 * _width(_short(names[i])) for at, i in enumerate(labels)
    ]
    width = max(left + whole, *ends) + 12
    return svg.picture(width, top + whole + 4, "confusion matrix", *parts)


def pixels_of(table: npt.NDArray[np.number], names: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Draw (C, C) counts as (height, width, 3): rows named, columns numbered as the rows.

    With Pillow, in milliseconds, as a training draws it every epoch for every split.
    """
    labels = shown(table)
    side = _side(len(labels))
    picture = Image.new("RGB", (_MARGIN + side * len(labels), 20 + side * len(labels)), "white")
    pen = ImageDraw.Draw(picture)
    for cell in cells(table, names):
        x, y = _MARGIN + cell.column * side, 20 + cell.row * side
        pen.rectangle((x, y, x + side - 2, y + side - 2), fill=cell.colour)
        if side >= 24:
            pen.text((x + side / 2, y + side / 2), cell.number, fill=cell.ink, anchor="mm")
    for at, i in enumerate(labels):
        pen.text((4, 20 + (at + 0.5) * side), f"{i} {names[i]}"[:17], fill=svg.INK, anchor="lm")
        pen.text((_MARGIN + (at + 0.5) * side, 10), str(i), fill=svg.INK, anchor="mm")
    return np.asarray(picture)


def _side(labels: int) -> int:
    """Return the side of a cell in pixels."""
    return 40 if labels <= 12 else 30 if labels <= 20 else 18


def _short(name: str, most: float = 211) -> str:
    """Cut a name to so many pixels."""
    if _width(name) <= most:
        return name
    return _short(name[:-2].rstrip() + "…", most) if len(name) > 2 else name


def _width(name: str) -> float:
    """Guess the pixels of a name; Chinese letters and the like are as wide as they are high."""
    return sum(12.0 if east_asian_width(letter) in "WF" else 6.6 for letter in name)
