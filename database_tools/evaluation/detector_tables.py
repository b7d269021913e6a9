"""The tables of an evaluation, for people and their spreadsheets: every threshold has a row.

``thresholds.csv``, ``by_label.csv`` and ``by_location.csv``; a share without pictures, and an
interval that there is none of, is an empty cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from database_tools.core.keeping import Kept
from database_tools.evaluation.findings import Evaluation
from database_tools.formats import csv_table

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(folder: Path, found: Evaluation) -> None:
    """Write the three tables into a folder."""
    grid = found.thresholds.tolist()
    both = zip(grid, _kept(found.animals), _removed(found.empty), strict=True)
    _table(
        folder / "thresholds.csv",
        "threshold animals_kept kept_low kept_high empty_removed removed_low removed_high",
        ([t, *kept, *removed] for t, kept, removed in both),
    )
    _table(
        folder / "by_label.csv",
        "label threshold pictures locations kept kept_low kept_high",
        (
            [label, t, of.pictures, of.locations, *kept]
            for label, of in found.by_label.items()
            for t, kept in zip(grid, _kept(of), strict=True)
        ),
    )
    _table(
        folder / "by_location.csv",
        "location threshold animal_pictures kept empty_pictures removed",
        (
            [place, t, animals.pictures, kept[0], empty.pictures, removed[0]]
            for place, (animals, empty) in found.by_location.items()
            for t, kept, removed in zip(grid, _kept(animals), _removed(empty), strict=True)
        ),
    )


def _kept(of: Kept) -> list[tuple[float, float, float]]:
    return list(zip(*(part.tolist() for part in (of.share, *of.interval)), strict=True))


def _removed(of: Kept) -> list[tuple[float, float, float]]:
    parts = (1 - of.share, 1 - of.interval.high, 1 - of.interval.low)
    return list(zip(*(part.tolist() for part in parts), strict=True))


def _table(path: Path, head: str, rows: Iterable[Sequence[object]]) -> None:
    with csv_table.writing(path, head.split()) as writer:
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    """Write a number with four places, nothing for NaN, and a text so that it is no formula."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
