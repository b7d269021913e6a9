"""Camtrap DP: tables of deployments, media and observations, in a folder or a zip.

    datapackage.json   {"resources": [{"name": "media", "path": "media.csv"}, ...], ...}
    deployments.csv    deploymentID,locationID,locationName,latitude,longitude,...
    media.csv          mediaID,deploymentID,timestamp,filePath,fileName,...
    observations.csv   observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,
                       observationLevel,observationType,scientificName,bboxX,bboxY,...

An observation of level ``media`` is of one file; one of level ``event`` is of all files of its
deployment from its start to its end.  A location is the deployment's ``locationID``, else its
``locationName``; without either, deployments at the same coordinates are one place, named after
the first: coordinates themselves are nobody's business.  A ``filePath`` that is a URL gives way to
``fileName``.  Observations made by machines are predictions, and are not read.

Source: https://camtrap-dp.tdwg.org (1.0)
"""

from __future__ import annotations

import bisect
import logging
import posixpath
import zipfile
from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from database_tools.core import json_text
from database_tools.core.errors import FormatError, UserError
from database_tools.core.json_text import JsonError
from database_tools.core.label_entries import Box, Entry, Picture, Said
from database_tools.formats import csv_table
from database_tools.formats.csv_table import Row

log = logging.getLogger(__name__)

PACKAGE = "datapackage.json"

_MISSING = frozenset({"", "NA", "NaN", "nan"})
_LABELS = {"human": "human", "vehicle": "vehicle", "blank": "empty"}
_UNDECIDED = frozenset({"unknown", "unclassified"})
_BOX = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")
_OBSERVATIONS = (
    *("deploymentID", "mediaID", "eventStart", "eventEnd", "observationLevel"),
    *("observationType", "scientificName"),
)

Table = Path | zipfile.Path


def read(source: Path) -> Iterator[Entry]:
    """Yield the files of a folder, a zip or a ``datapackage.json``, and what people saw in them."""
    tables = _tables(source)
    locations = dict(_locations(tables["deployments"]))
    events = _Events(tables["observations"])
    for line, row in csv_table.rows(tables["media"], ("mediaID", "deploymentID", "filePath")):
        table = str(tables["media"])
        deployment, key = row["deploymentID"], row["mediaID"]
        if deployment not in locations:
            raise FormatError(table, f"line {line}", f"no deployment has the id {deployment!r}")
        taken = row.get("timestamp") or ""
        during = list(events.at(deployment, _seconds(table, line, taken)))
        burst = next((event.id for event in during if event.id), None)
        yield Picture(key, file_of(row), locations[deployment], burst, datetime=taken or None)
        yield from (Said(key, e.label, of_sequence=True) for e in during if e.label)
    yield from _of_media(tables["observations"])


def _tables(source: Path) -> dict[str, Table]:
    """Return where the three tables are."""
    root: Table = source.parent if source.name == PACKAGE else source
    if not source.is_dir() and source.name != PACKAGE:
        try:
            root = zipfile.Path(source)
        except (OSError, zipfile.BadZipFile) as error:
            raise UserError(f"{source}: not a zip: {error}") from None
        if not (root / PACKAGE).exists():  # some zip the folder, not what it holds
            inside = [x for x in root.iterdir() if x.is_dir() and (x / PACKAGE).exists()]
            root = inside[0] if inside else root
    package = root / PACKAGE
    if not package.is_file():
        raise UserError(f"{package}: no such file; it tells where a package's tables are")
    try:
        resources = json_text.loads(package.read_text(encoding="utf-8-sig"))["resources"]
        paths = {one["name"]: one["path"] for one in resources if "path" in one}
    except JsonError as error:
        raise FormatError(str(package), error.place, error.rule) from None
    except (KeyError, TypeError, UnicodeDecodeError):
        raise FormatError(str(package), "resources", "expected a list of names and paths") from None
    return {
        name: root / _inside(package, name, paths)
        for name in ("deployments", "media", "observations")
    }


def _inside(package: Table, name: str, paths: dict[str, object]) -> str:
    path = paths.get(name)
    if not isinstance(path, str) or ".." in path.split("/") or path.startswith("/") or ":" in path:
        rule = f"{name!r} must have a path in the package, got {path!r}"
        raise FormatError(str(package), "resources", rule)
    return path


def _locations(table: Table) -> Iterator[tuple[str, str]]:
    """Yield each deployment and its location."""
    first: dict[tuple[str | None, str | None], str] = {}
    for _, row in csv_table.rows(table, ("deploymentID",)):
        deployment = row["deploymentID"]
        named = _known(row, "locationID") or _known(row, "locationName")
        at = _known(row, "latitude"), _known(row, "longitude")
        yield deployment, named or (first.setdefault(at, deployment) if all(at) else deployment)


def _known(row: Row, column: str) -> str | None:
    value = row.get(column, "").strip()
    return None if value in _MISSING else value


def file_of(row: Row) -> str:
    """Return the name of the file of a row of ``media.csv``."""
    path = row["filePath"]
    url = urlsplit(path) if "://" in path else None
    return path if url is None else _known(row, "fileName") or posixpath.basename(url.path)


def _seconds(table: str, line: int, text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        rule = f"a time must be like 2020-05-30T04:57:37+02:00, got {text!r}"
        raise FormatError(table, f"line {line}", rule) from None


class _Event(NamedTuple):
    """Part of a deployment; ``label`` only where it was said of the whole."""

    start: float
    end: float
    id: str
    label: str


class _Events:
    """The events of each deployment, to be found by a time."""

    def __init__(self, table: Table) -> None:
        found: dict[str, set[_Event]] = {}
        machines = 0
        for line, row in csv_table.rows(table, _OBSERVATIONS):
            machines += (by_machine := _by_machine(row))
            said = _label(row) if row["observationLevel"] == "event" and not by_machine else None
            start, end = (_seconds(str(table), line, row[x]) for x in ("eventStart", "eventEnd"))
            event = _Event(start, end, _known(row, "eventID") or "", said or "")
            found.setdefault(row["deploymentID"], set()).add(event)
        if machines:
            log.warning("%s: %d observations by machines are not read", table, machines)
        self._events = {deployment: sorted(events) for deployment, events in found.items()}
        # The latest end so far: where it is before a time, no earlier event holds it.
        self._latest = {
            deployment: list(accumulate((e.end for e in events), max))
            for deployment, events in self._events.items()
        }

    def at(self, deployment: str, time: float) -> Iterator[_Event]:
        """Yield those that hold a time, the last to begin first."""
        events, latest = self._events.get(deployment, []), self._latest.get(deployment, [])
        i = bisect.bisect_right(events, time, key=lambda event: event.start)
        while i and latest[i - 1] >= time:
            i -= 1
            if events[i].end >= time:
                yield events[i]


def _of_media(table: Table) -> Iterator[Said]:
    for line, row in csv_table.rows(table, _OBSERVATIONS):
        if row["observationLevel"] != "media" or _by_machine(row):
            continue
        box = _box(str(table), line, row)
        if (label := _label(row)) or box:
            yield Said(row["mediaID"], label, box=box)


def _by_machine(row: Row) -> bool:
    return row.get("classificationMethod") == "machine"


def _label(row: Row) -> str | None:
    kind = row["observationType"]
    if kind in _UNDECIDED:
        return None
    return _LABELS.get(kind) or _known(row, "scientificName") or kind


def _box(table: str, line: int, row: Row) -> Box | None:
    if _known(row, _BOX[0]) is None:
        return None
    try:
        x, y, width, height = (float(row[column]) for column in _BOX)
    except ValueError:
        raise FormatError(table, f"line {line}", "a box needs four numbers") from None
    return row["observationType"], x, y, width, height
