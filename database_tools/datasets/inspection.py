"""Looks into a classification dataset before anything learns from it: the README's step 5.

Of each label some crops, its crops and locations in each split, where these are extreme, and how
sure the detector was.  People are counted and never shown.

Source: inspect_dataset of the original.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from markupsafe import Markup

from database_tools import imaging
from database_tools.core.label_shares import LabelShares, Thresholds
from database_tools.core.people import is_people
from database_tools.datasets import counted
from database_tools.durable import files
from database_tools.formats.classification_csv import Crop
from database_tools.pages import html, pictures, svg
from database_tools.pages.html import percent, tag

_SIDE = 224
_LEFT, _ROW, _WIDE, _RIGHT, _BELOW = 190, 22, 380, 30, 24

Box = tuple[float, float, float, float, float]
"""Least, lower quartile, median, upper quartile, largest."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """What there is to see.

    Attributes:
        shares: crops and locations of each label in each split.
        confidences: of each label, as a box plot has them.
        samples: label to names of crops, drawn at random; people have none.
    """

    shares: LabelShares
    confidences: Mapping[str, Box]
    samples: Mapping[str, Sequence[str]]


@dataclass
class _Drawn:
    """Draws a few of a stream, each with the same chance, and keeps what numbers it has."""

    each: int
    seen: int = 0
    kept: list[str] = field(default_factory=list)
    values: array[float] = field(default_factory=lambda: array("f"))

    def take(self, crop: Crop, rng: random.Random) -> None:
        self.values.append(crop.confidence)
        self.seen += 1
        if len(self.kept) < self.each:
            self.kept.append(crop.path)
        elif (place := rng.randrange(self.seen)) < self.each:
            self.kept[place] = crop.path

    def box(self) -> Box:
        least, low, middle, high, most = np.quantile(self.values, (0, 0.25, 0.5, 0.75, 1)).tolist()
        return least, low, middle, high, most


def read(folder: Path, each: int = 5, seed: int = 0) -> Inspection:
    """Look through a dataset; same seed, same crops of each label.

    Raises:
        UserError: if a file is missing or breaks its format.
    """
    rng = random.Random(seed)
    drawn: dict[str, _Drawn] = {}

    def look(crop: Crop, label: str) -> None:
        drawn.setdefault(label, _Drawn(each)).take(crop, rng)

    table = counted.read(folder, look)
    return Inspection(
        table.shares,
        {label: drawn[label].box() for label in table.labels},
        {
            label: () if is_people(label) else tuple(sorted(drawn[label].kept))
            for label in table.labels
        },
    )


def write_page(path: Path, found: Inspection, crops: Path | None, least: Thresholds) -> None:
    """Write all of it as one page that loads nothing from anywhere; without a folder, no crops."""
    heading = "What the classification dataset holds"
    parts = [tag("h1", heading), *_sections(found, least)]
    if crops is not None:
        parts.append(
            html.section("Samples of each label", tag("div", *samples(found, crops), cls="groups"))
        )
    files.write_text(path, html.document(heading, *parts))


def _sections(found: Inspection, least: Thresholds) -> Iterator[Markup]:
    yield html.section("Crops of each label", table(found, "crops"))
    yield html.section("Locations of each label", table(found, "locations"))
    rows = [
        [one.label, one.split, one.of, f"{one.number:,}", percent(one.share)]
        for one in found.shares.extremes(least)
    ]
    head = ["label", "split", "few", "number", "share of the label"]
    said = html.table(head, rows, cls="names find") if rows else tag("p", "None.")
    yield html.section("Extreme labels", said)
    yield html.section("How sure the detector was", tag("div", box_plot(found), cls="wide"))


def table(found: Inspection, of: str) -> Markup:
    """Write the numbers of ``crops`` or ``locations``, and the share of all of the label's."""
    shares = found.shares
    counts = shares.crops if of == "crops" else shares.locations
    totals = counts.sum(axis=1)
    rows = []
    for label, row, total, weight in zip(
        shares.labels, counts, totals, shares.weights(), strict=True
    ):
        cells = [f"{n:,} ({percent(n / total) if total else '-'})" for n in row.tolist()]
        last = [f"{weight:.2f}" if np.isfinite(weight) else "-"] if of == "crops" else []
        rows.append([label, *cells, f"{total:,}", *last])
    head = ["label", *shares.splits, "all", *(["weight"] if of == "crops" else [])]
    return html.table(head, rows, cls="find")


def box_plot(found: Inspection) -> Markup:
    """Draw the confidences of each label: range, quartiles, median."""
    parts = [
        svg.text(_LEFT + _WIDE * i / 5, 12, f"{i / 5:.1f}", text_anchor="middle", class_="tick")
        for i in range(6)
    ]
    for row, (label, box) in enumerate(found.confidences.items()):
        y = _BELOW + _ROW * (row + 0.5)
        least, low, middle, high, most = (_LEFT + _WIDE * value for value in box)
        said = svg.title(f"{label}: " + ", ".join(f"{value:.2f}" for value in box))
        parts += [
            svg.text(_LEFT - 8, y + 4, _short(label), text_anchor="end"),
            svg.line([(least, y), (most, y)], svg.GREY),
            svg.shape(
                "rect", said, x=low, y=y - 7, width=max(high - low, 1), height=14, fill=svg.GREEN
            ),
            svg.line([(middle, y - 7), (middle, y + 7)], svg.ORANGE),
        ]
    height = _BELOW + _ROW * len(found.confidences) + 6
    return svg.picture(_LEFT + _WIDE + _RIGHT, height, "confidences of each label", *parts)


def _short(label: str) -> str:
    return label if len(label) <= 26 else f"{label[:25]}…"


def samples(found: Inspection, crops: Path) -> Iterator[Markup]:
    """Yield a heading and some crops for each label; those that cannot be read say so."""
    for label, names in found.samples.items():
        figures = (tag("figure", *_shown(crops, name)) for name in names)
        nothing = tag("p", "People are never shown.", cls="muted") if is_people(label) else ""
        shots = tag("div", *figures, cls="shots keys")
        yield tag("div", tag("h3", label), nothing, shots, data_name=label)


def _shown(crops: Path, name: str) -> tuple[Markup | str, Markup]:
    try:
        picture: Markup | str = pictures.small(imaging.open_upright(crops / name), _SIDE, name)
    except imaging.UnreadableImage as error:
        picture = error.reason
    return picture, tag("figcaption", name)
