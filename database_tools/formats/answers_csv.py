"""A CSV of what an expert said of single crops, as pages to label crops export it.

    path,label,decision,location
    site1/a.jpg___crop00_mdv4.1.jpg,elk,,013
    site1/b.jpg___crop00_mdv4.1.jpg,,no animal,013

``decision`` is empty where the label is the answer; anything else (several, no animal, unsure)
means that there is no label to learn.  A row with neither waits for an answer.  Of a crop that is
there twice, the later answer counts.  Rows that ask tell more: ``predicted`` and its
``probability``, ``detector_confidence``, and ``why`` it is asked.  Other columns are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from database_tools.formats import csv_table

COLUMNS = ("path", "label", "decision", "location")
SEVERAL, NO_ANIMAL, UNSURE = "several", "no animal", "unsure"


class Answer(NamedTuple):
    """A row."""

    path: str
    label: str
    decision: str
    location: str

    @property
    def is_label(self) -> bool:
        """Whether the crop can be learnt from."""
        return bool(self.label) and not self.decision


def read(path: Path) -> list[Answer]:
    """Read the answers in their order, one for each crop."""
    return list({one.path: one for one in csv_table.made(path, COLUMNS, _answer)}.values())


def _answer(row: csv_table.Row) -> Answer | None:
    answer = Answer(*(row[name].strip() for name in COLUMNS))
    if not answer.path:
        raise ValueError("no path")
    return answer if answer.label or answer.decision else None


class Question(NamedTuple):
    """A row that waits for an answer; numbers in [0, 1], None where nobody says."""

    path: str
    location: str
    predicted: str = ""
    probability: float | None = None
    detector_confidence: float | None = None
    why: str = ""


def questions(path: Path) -> Iterator[Question]:
    """Yield the rows that wait for an answer; what a table says beside them may be missing."""
    return csv_table.made(path, COLUMNS, _question)


def _question(row: csv_table.Row) -> Question | None:
    if row["label"].strip() or row["decision"].strip():
        return None
    likely, sure = (
        csv_table.number(row, name) if row.get(name, "").strip() else None
        for name in Question._fields[3:5]
    )
    if not row["path"].strip():
        raise ValueError("no path")
    said = row.get("predicted", "").strip()
    place, why = row["location"].strip(), row.get("why", "")
    return Question(row["path"].strip(), place, said, likely, sure, why)


def write_questions(path: Path, asked: Iterable[Question]) -> None:
    """Write rows to fill in, whole or not at all; numbers have three digits after the point."""
    with csv_table.writing(path, (*COLUMNS, *Question._fields[2:])) as writer:
        for one in asked:
            numbers = ("" if share is None else f"{share:.3f}" for share in one[3:5])
            writer.writerow((one.path, "", "", one.location, one.predicted, *numbers, one.why))
