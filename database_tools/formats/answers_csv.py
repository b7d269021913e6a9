"""A CSV of what an expert said of single crops, as pages to label crops export it.

    path,label,decision,location
    site1/a.jpg___crop00_mdv4.1.jpg,elk,,013
    site1/b.jpg___crop00_mdv4.1.jpg,,no animal,013

``decision`` is empty where the label is the answer; anything else (several, no animal, unsure)
means that there is no label to learn.  A row with neither waits for an answer.  Of a crop that is
there twice, the later answer counts.  Other columns are not looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from database_tools.core.errors import FormatError
from database_tools.formats import csv_table

COLUMNS = ("path", "label", "decision", "location")


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
