"""``OUTPUT_unknown.csv``: crops that look like nothing that a classifier learnt.

    path,beyond,decision
    site1/a.jpg___crop00_mdv4.1.jpg,-1.25,
    site1/b.jpg___crop00_mdv4.1.jpg,0.5,unknown: look

``beyond`` is by how much a crop's distance from all that was learnt exceeds the threshold that the
model keeps; above 0 the decision is ``unknown: look``.  ``run_classifier.py --unknown`` writes a
row for each row of its probabilities.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.durable import files
from database_tools.formats import csv_table

COLUMNS = ("path", "beyond", "decision")
LOOK = "unknown: look"


@contextmanager
def writing(path: Path) -> Iterator[Callable[[Iterable[tuple[str, float]]], None]]:
    """Give a function that writes (path, beyond); the file appears whole at the end."""
    with (
        files.replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        yield lambda rows: writer.writerows(
            (name, f"{beyond:.4g}", LOOK if beyond > 0 else "") for name, beyond in rows
        )


def unknown(path: Path) -> Iterator[str]:
    """Yield the crops that are unknown.

    Raises:
        UserError: if there is no such file.
        FormatError: with the line of a decision that is none.
    """
    for line, row in csv_table.rows(path, COLUMNS):
        if row["decision"] not in ("", LOOK):
            rule = f"decision must be {LOOK!r} or empty, got {row['decision']!r}"
            raise FormatError(path, f"line {line}", rule)
        if row["decision"]:
            yield row["path"]
