"""``events.csv``: what passed a camera, a row for each event.

    event_id,location,start,end,files,boxes,deer,fox
    site1/s7,site1,2021-05-03 06:12:00,2021-05-03 06:12:02,"[""a.jpg"", ""b.jpg""]",3,0.95,0.05
    site1/c.jpg,,,,"[""site1/c.jpg""]",0,,

``files`` is JSON, in the order of time.  ``boxes`` are those that a classifier was asked about, and
the numbers the share of each label among them: with one animal, the probability of the label.
Empty cells: nobody knows, or there was no box to ask about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from database_tools.formats import csv_table

NAME = "events.csv"
COLUMNS = ("event_id", "location", "start", "end", "files", "boxes")


class Row(NamedTuple):
    """See the module; ``shares`` is (C,), None without a box."""

    event_id: str
    location: str
    start: str
    end: str
    files: Sequence[str]
    boxes: int
    shares: npt.NDArray[np.floating] | None


@contextmanager
def writing(path: Path, labels: Sequence[str]) -> Iterator[Callable[[Row], None]]:
    """Give what appends a row; the file appears whole at the end, or not at all."""
    with csv_table.writing(path, (*COLUMNS, *labels)) as writer:

        def write(row: Row) -> None:
            listed = json.dumps(list(row.files), ensure_ascii=False)
            shares = [""] * len(labels) if row.shares is None else map(str, row.shares)
            writer.writerow((*row[:4], listed, row.boxes, *shares))

        yield write
