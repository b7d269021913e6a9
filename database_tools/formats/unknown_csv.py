"""``OUTPUT_unknown.csv``: crops that look like nothing that a classifier learnt.

    path,beyond,decision
    site1/a.jpg___crop00_mdv4.1.jpg,-1.25,
    site1/b.jpg___crop00_mdv4.1.jpg,0.5,unknown: look

``beyond`` is by how much a crop's distance from all that was learnt exceeds the threshold that the
model keeps; above 0 the decision is ``unknown: look``.  ``run_classifier.py --unknown`` writes a
row for each row of its probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from database_tools.formats import csv_table

COLUMNS = ("path", "beyond", "decision")
LOOK = "unknown: look"


@contextmanager
def writing(path: Path) -> Iterator[Callable[[Iterable[tuple[str, float]]], None]]:
    """Give a function that writes (path, beyond); the file appears whole at the end."""
    with csv_table.writing(path, COLUMNS) as writer:
        yield lambda rows: writer.writerows(
            (name, f"{beyond:.4g}", LOOK if beyond > 0 else "") for name, beyond in rows
        )


def unknown(path: Path) -> Iterator[str]:
    """Yield the crops that are unknown."""
    return csv_table.made(path, COLUMNS, _unknown)


def _unknown(row: csv_table.Row) -> str | None:
    if row["decision"] not in ("", LOOK):
        raise ValueError(f"decision must be {LOOK!r} or empty, got {row['decision']!r}")
    return row["path"] if row["decision"] else None
