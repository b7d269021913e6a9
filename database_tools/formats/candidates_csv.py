"""``candidates.csv``: crops whose label is perhaps wrong, the likeliest first.

    path,image,dataset,location,label,predicted,probability,margin,score,why,burst
    idfg/a_1.jpg___crop00.jpg,idfg/a_1.jpg,idfg,013,elk,deer,0.91,0.88,0.97,burst,idfg/a_2.jpg___...

===========  ==============================================================================
path         of the crop, as its dataset names it
image        of its picture, ``<dataset>/<file>``
dataset      of the picture; empty where nobody says, as its location
label        that the crop has
predicted    the likeliest other one
probability  of ``predicted``, by models that saw nothing of the crop's location
margin       that less the probability of ``label``, in [-1, 1]
score        in [0, 1], how sure it is that ``label`` is wrong, all things considered; it falls
why          what speaks against the label, in words
burst        the other crops of its burst, separated by ``|``
===========  ==============================================================================

``find_mislabeled.py`` writes it; other columns are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from database_tools.formats import csv_table

_BETWEEN = "|"


class Candidate(NamedTuple):
    """A row; see the module."""

    path: str
    image: str
    dataset: str
    location: str
    label: str
    predicted: str
    probability: float
    margin: float
    score: float
    why: str
    burst: tuple[str, ...] = ()


COLUMNS = Candidate._fields
_RANGES = {"probability": (0, 1), "margin": (-1, 1), "score": (0, 1)}


def read(path: Path) -> Iterator[Candidate]:
    """Yield the rows in their order."""
    return csv_table.made(path, COLUMNS, _candidate)


def _candidate(row: csv_table.Row) -> Candidate:
    if lacking := [name for name in ("path", "image", "label") if not row[name]]:
        raise ValueError(f"no {lacking[0]}")
    cells: dict[str, Any] = {name: row[name] for name in COLUMNS}
    cells |= {name: csv_table.number(row, name, *ends) for name, ends in _RANGES.items()}
    cells["burst"] = tuple(filter(None, row["burst"].split(_BETWEEN)))
    return Candidate(**cells)


def write(path: Path, found: Iterable[Candidate]) -> None:
    """Write the rows, whole or not at all; numbers have four digits after the point."""
    with csv_table.writing(path, COLUMNS) as writer:
        for one in found:
            numbers = (f"{value:.4f}" for value in one[6:9])
            writer.writerow((*one[:6], *numbers, one.why, _BETWEEN.join(one.burst)))
