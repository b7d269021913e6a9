"""A table of pictures with the place and the time that each was taken at, of two kinds.

    path,location,datetime                          path,location,datetime,seq_id
    site1/a.jpg,site1,2021-05-03 06:12:00           ...

    mediaID,deploymentID,timestamp,filePath,fileName,...          Camtrap DP's media.csv
    m1,d1,2021-05-03T06:12:00+02:00,site1/a.jpg,a.jpg,...

A deployment is a location; a ``filePath`` that is a URL gives way to ``fileName``.  Times are in
the writer's words; any cell but the path may be empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from database_tools.core.errors import FormatError
from database_tools.formats import camtrap_dp, csv_table


class Media(NamedTuple):
    """A row; see the module.  ``sequence`` is empty where the table has no ``seq_id``."""

    file: str
    location: str
    datetime: str
    sequence: str = ""


def read(path: Path) -> Iterator[Media]:
    """Yield the rows."""
    for line, row in csv_table.rows(path):
        if {"filePath", "deploymentID", "timestamp"} <= row.keys():
            found = Media(camtrap_dp.file_of(row), row["deploymentID"], row["timestamp"])
        elif {"path", "location", "datetime"} <= row.keys():
            sequence = row.get("seq_id", "").strip()
            found = Media(row["path"], row["location"].strip(), row["datetime"], sequence)
        else:
            kinds = "path, location, datetime, or Camtrap DP's filePath, deploymentID, timestamp"
            raise FormatError(path, "line 1", f"expected {kinds}; it has {', '.join(row)}")
        if not found.file:
            raise FormatError(path, f"line {line}", "no path of a picture")
        yield found
