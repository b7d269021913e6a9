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

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from database_tools.core.errors import FormatError
from database_tools.durable import files
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
    """Read the answers in their order, one for each crop.

    Raises:
        UserError: if there is no such file.
        FormatError: with the line and the rule that it breaks.
    """
    found: dict[str, Answer] = {}
    for line, row in csv_table.rows(path, COLUMNS):
        answer = Answer(*(row[name].strip() for name in COLUMNS))
        if not answer.path:
            raise FormatError(path, f"line {line}", "no path")
        if answer.label or answer.decision:
            found[answer.path] = answer
    return list(found.values())


class Question(NamedTuple):
    """A row that waits for an answer; numbers in [0, 1], None where nobody says."""

    path: str
    location: str
    predicted: str = ""
    probability: float | None = None
    detector_confidence: float | None = None
    why: str = ""


def questions(path: Path) -> Iterator[Question]:
    """Yield the rows that wait for an answer; what a table says beside them may be missing.

    Raises:
        UserError: if there is no such file.
        FormatError: with the line and the rule that it breaks.
    """
    for line, row in csv_table.rows(path, COLUMNS):
        if row["label"].strip() or row["decision"].strip():
            continue
        try:
            likely, sure = (_share(name, row) for name in Question._fields[3:5])
        except ValueError as error:
            raise FormatError(path, f"line {line}", str(error)) from None
        if not row["path"].strip():
            raise FormatError(path, f"line {line}", "no path")
        said = row.get("predicted", "").strip()
        place, why = row["location"].strip(), row.get("why", "")
        yield Question(row["path"].strip(), place, said, likely, sure, why)


def _share(name: str, row: csv_table.Row) -> float | None:
    text = row.get(name, "").strip()
    try:
        if not text or 0 <= float(text) <= 1:
            return float(text) if text else None
    except ValueError:
        pass
    raise ValueError(f"{name} must be in [0, 1], got {text!r}")


def write_questions(path: Path, asked: Iterable[Question]) -> None:
    """Write rows to fill in, whole or not at all; numbers have three digits after the point."""
    with (
        files.replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, *Question._fields[2:]))
        for one in asked:
            numbers = ("" if share is None else f"{share:.3f}" for share in one[3:5])
            writer.writerow((one.path, "", "", one.location, one.predicted, *numbers, one.why))
