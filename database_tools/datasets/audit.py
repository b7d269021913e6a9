"""Looks for what leaks from one split of a classification dataset into another.

==============================  ================================================================
location on two sides           ``splits.json`` names it in two splits
location under two names        "Site_07" and "site 7" of one dataset are on two sides
sequence on two sides           by ``--db`` or ``--input_json``
burst cut in two                so too: neighbours by name and time, of no common sequence
equal picture on two sides      the same bytes, of crops or of whole pictures
near-duplicate crop             encoded anew, smaller, cut, mirrored, brighter: it looks the same
==============================  ================================================================

Whatever is on no side, as ``splits.json`` does not name its location, leaks nowhere.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core import split_leaks
from database_tools.core.errors import UserError
from database_tools.core.ledger import Ledger
from database_tools.core.names import picture_of
from database_tools.core.near_duplicates import Index
from database_tools.core.split_repair import NoRepair, joined, repaired
from database_tools.core.splits import ALL as SIDES
from database_tools.core.splits import TEST, UNKNOWN
from database_tools.datasets import counted, looks, shots
from database_tools.datasets.counted import SPLITS_JSON, Counted
from database_tools.datasets.shots import Shot
from database_tools.durable import files
from database_tools.formats import classification_csv, ledger_json, picture_hashes, splits_json
from database_tools.formats.classification_csv import Crop
from database_tools.formats.splits_json import Location, Splits
from database_tools.imaging import perceptual

log = logging.getLogger(__name__)

LOCATION = "location on two sides"
NAMES = "location under two names"
SEQUENCE = "sequence on two sides"
BURST = "burst cut in two"
BYTES = "equal picture on two sides"
LOOKS = "near-duplicate crop on two sides"
KINDS = (LOCATION, NAMES, SEQUENCE, BURST, BYTES, LOOKS)

Ints = npt.NDArray[np.int64]

_NO_SHOT = Shot(None, math.nan)


@dataclass(frozen=True)
class AuditRequest:
    """What is looked at; flags of the command, or None where there is none."""

    dataset: Path
    crops: Path | None = None
    pictures: Path | None = None
    db: Path | None = None
    input_json: Path | None = None
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Leak:
    """Two things, perhaps pictures, on two sides that should be on one."""

    kind: str
    sides: tuple[str, str]
    places: tuple[Location, Location]
    names: tuple[str, str] | tuple[()] = ()

    def as_json(self) -> dict[str, object]:
        """Return what a report says."""
        places = [list(place) for place in self.places]
        return {
            "kind": self.kind,
            "splits": list(self.sides),
            "locations": places,
            "pictures": list(self.names),
        }


@dataclass(frozen=True, eq=False)
class _Rows:
    """Pictures or crops, and where each was taken: a number of a place."""

    names: Sequence[str]
    places: Ints


@dataclass(eq=False)
class Audit:
    """A dataset that was read, to be asked under any splits of its locations.

    Attributes:
        table: its crops, locations and splits.
        grouped: kind of leak, pictures, and the group of each, none of which two sides may share.
        looks: crops, their hashes and their folder; None if they were not looked at.
        unseen: what was not looked at, in words.
        ledger: of the pictures that were hashed; None if none were asked for.
    """

    table: Counted
    label_of: dict[str, str]
    unseen: list[str] = field(default_factory=list)
    ledger: Ledger | None = None
    grouped: list[tuple[str, _Rows, Ints]] = field(default_factory=list)
    looks: tuple[_Rows, npt.NDArray[np.uint8], Path] | None = None
    _compared: dict[tuple[str, ...], bool] = field(default_factory=dict)

    def leaks(self, named: Sequence[tuple[int, ...]] | None = None) -> list[Leak]:
        """Return all leaks, of ``KINDS`` in order, under other splits than its own if given."""
        sides = self.table.named if named is None else named
        side = np.array([its[0] if its else -1 for its in sides], np.int64)
        found = [*self._twice(sides), *self._two_names(side)]
        for kind, rows, groups in self.grouped:
            pairs = split_leaks.crossing(groups, side[rows.places])
            found += (self._leak(kind, rows, side, pair) for pair in pairs)
        of_sequences = {leak.names for leak in found if leak.kind == SEQUENCE}
        found = [x for x in found if x.kind != BURST or x.names not in of_sequences]
        found += self._near(side, {leak.names for leak in found if leak.kind == BYTES})
        return sorted(found, key=lambda leak: KINDS.index(leak.kind))

    def repaired(self, *, may_change_test: bool) -> Splits:
        """Move whole locations until nothing leaks.

        Raises:
            UserError: if a label would lose a split.
        """
        test = None if may_change_test else SIDES.index(TEST)
        split = [i for i, its in enumerate(self.table.named) if its]
        number = {self.table.places[i]: row for row, i in enumerate(split)}
        links: list[tuple[int, int]] = []
        named = list(self.table.named)
        while found := self.leaks(named):
            links += ((number[leak.places[0]], number[leak.places[1]]) for leak in found)
            sides = [self.table.named[i] for i in split]
            try:
                chosen = repaired(self.table.crops[split], sides, joined(len(split), links), test)
            except NoRepair as stop:
                label, lost = self.table.labels[stop.label], SIDES[stop.side]
                place = "/".join(self.table.places[split[stop.place]])
                rule = f"{label} would have no crop left in {lost} if {place} moved"
                raise UserError(f"--fix: {rule}") from None
            for i, side in zip(split, chosen, strict=True):
                named[i] = (side,)
        return _as_splits(self.table.places, named)

    def _twice(self, named: Sequence[tuple[int, ...]]) -> Iterator[Leak]:
        for place, its in zip(self.table.places, named, strict=True):
            if len(its) > 1:
                yield Leak(LOCATION, (SIDES[its[0]], SIDES[its[-1]]), (place, place))

    def _two_names(self, side: Ints) -> Iterator[Leak]:
        plain = (
            None if place[1] == UNKNOWN else f"{place[0]}/{split_leaks.plain_name(place[1])}"
            for place in self.table.places
        )
        for a, b in split_leaks.crossing(split_leaks.numbered(plain), side):
            sides = SIDES[side[a]], SIDES[side[b]]
            yield Leak(NAMES, sides, (self.table.places[a], self.table.places[b]))

    def _near(self, side: Ints, known: Collection[tuple[str, ...]]) -> Iterator[Leak]:
        """Yield crops of val and test that look like one of train, or of val."""
        if self.looks is None:
            return
        rows, hashes, folder = self.looks
        sides = side[rows.places]
        before = np.flatnonzero(sides == 0)
        for held in range(1, len(SIDES)):
            asked = np.flatnonzero(sides == held)
            found, _ = looks.nearest(Index(hashes[before]), hashes[asked], perceptual.NEAR)
            for row in np.flatnonzero(found >= 0):
                pair = int(before[found[row]]), int(asked[row])
                leak = self._leak(LOOKS, rows, side, pair)
                if leak.names not in known and self._alike(folder, leak.names):
                    yield leak
            before = np.concatenate([before, asked])

    def _alike(self, folder: Path, names: tuple[str, ...]) -> bool:
        if names not in self._compared:
            self._compared[names] = looks.alike(folder, *names)
        return self._compared[names]

    def _leak(self, kind: str, rows: _Rows, side: Ints, pair: tuple[int, int]) -> Leak:
        a, b = (int(rows.places[i]) for i in pair)
        names = rows.names[pair[0]], rows.names[pair[1]]
        sides = SIDES[side[a]], SIDES[side[b]]
        return Leak(kind, sides, (self.table.places[a], self.table.places[b]), names)


def _as_splits(places: Sequence[Location], named: Sequence[tuple[int, ...]]) -> Splits:
    pairs = list(zip(places, named, strict=True))
    return {
        name: frozenset(place for place, its in pairs if i in its) for i, name in enumerate(SIDES)
    }


def read(request: AuditRequest, progress: looks.Progress) -> Audit:
    """Read a dataset, and look at its pictures; keep their hashes beside it.

    Raises:
        UserError: if a file is missing or breaks its format, or nearly no picture can be read.
    """
    found, rows = _table(request.dataset)
    pictures = [picture_of(name) for name in rows.names]
    _compare_times(found, request, rows, pictures)
    if request.crops is None:
        found.unseen.append("near-duplicate crops: give --cropped-images-dir")
    if request.crops is None and request.pictures is None:
        found.unseen.append("equal pictures: give --cropped-images-dir or --images-dir")
    else:
        _compare_pictures(found, request, rows, pictures, progress)
    return found


def _table(folder: Path) -> tuple[Audit, _Rows]:
    """Read the table and the splits; return the crops in the order of the table."""
    names: list[str] = []
    places: list[Location] = []
    label_of: dict[str, str] = {}

    def look(crop: Crop, label: str) -> None:
        names.append(crop.path)
        places.append((crop.dataset, crop.location))
        label_of[crop.path] = label

    table = counted.read(folder, look)
    number = {place: i for i, place in enumerate(table.places)}
    rows = _Rows(names, np.array([number[place] for place in places], np.int64))
    return Audit(table, label_of), rows


def _compare_times(
    found: Audit, request: AuditRequest, rows: _Rows, pictures: Sequence[str]
) -> None:
    """Group crops by their sequences, and by the bursts that names and times tell."""
    wanted = set(pictures)
    if request.db is not None:
        shot_of = dict(shots.of_database(request.db, wanted))
    elif request.input_json is not None:
        shot_of = dict(shots.of_annotations(request.input_json, wanted))
    else:
        found.unseen.append("sequences and bursts: give --db or --input_json")
        return
    if lacking := len(wanted) - len(shot_of):
        found.unseen.append(f"sequences and bursts of {lacking:,} pictures: nobody lists them")
    taken = [shot_of.get(name, _NO_SHOT) for name in pictures]
    if untimed := sum(math.isnan(shot.time) for shot in shot_of.values()):
        found.unseen.append(f"bursts of {untimed:,} pictures: nobody knows their time")
    sequences = split_leaks.numbered(
        None if shot.sequence is None else f"{name.partition('/')[0]}/{shot.sequence}"
        for name, shot in zip(pictures, taken, strict=True)
    )
    times = np.array([shot.time for shot in taken], np.float64)
    bursts = split_leaks.bursts(pictures, times)
    found.grouped += [(SEQUENCE, rows, sequences), (BURST, rows, bursts)]


def _compare_pictures(
    found: Audit,
    request: AuditRequest,
    rows: _Rows,
    pictures: Sequence[str],
    progress: looks.Progress,
) -> None:
    """Hash crops, and whole pictures if these are given too; keep the hashes."""
    place_of: dict[str, int] = {}
    wanted: list[tuple[Path, str]] = []
    for folder, names in ((request.crops, rows.names), (request.pictures, pictures)):
        for name, place in zip(names, rows.places.tolist(), strict=True):
            if folder is not None and name not in place_of:
                place_of[name] = place
                wanted.append((folder, name))
    kept, found.ledger = looks.take(wanted, request.workers, progress)
    ledger_json.write(request.dataset, found.ledger)
    if lost := found.ledger.summary():
        found.unseen.append(f"pictures that cannot be read: {lost}")
    picture_hashes.write(request.dataset / picture_hashes.NAME, kept)
    seen = _Rows(kept.names, np.array([place_of[name] for name in kept.names], np.int64))
    digests = kept.digests.view("V16").ravel()
    found.grouped.append((BYTES, seen, np.unique(digests, return_inverse=True)[1]))
    if request.crops is not None:
        crop = np.array([name in found.label_of for name in kept.names], bool)
        its = [name for name, is_crop in zip(kept.names, crop, strict=True) if is_crop]
        found.looks = _Rows(its, seen.places[crop]), kept.hashes[crop], request.crops


def answers(folder: Path, asked: Sequence[Path]) -> Iterator[str]:
    """Say of pictures whether they were in a dataset, and in which split, a line each.

    Raises:
        UserError: if the dataset keeps no hashes, or a picture cannot be read.
    """
    path = folder / picture_hashes.NAME
    if not path.exists():
        raise UserError(f"{path}: no such file; audit_splits with --cropped-images-dir makes it")
    kept = picture_hashes.read(path)
    found = list(looks.contains(asked, kept))
    log.info("asked %s, SHA-256 %s", path, files.sha256(path))
    wanted, split_of = {answer.found for answer in found}, {}
    named = splits_json.read_all(folder / SPLITS_JSON)
    hashed, unseen = set(kept.names), set[str]()
    for crop in classification_csv.read(folder / classification_csv.NAME):
        names = {crop.path, picture_of(crop.path)}
        unseen |= names - hashed
        for name in wanted & names:
            split_of[name] = " and ".join(named.get((crop.dataset, crop.location), ("no split",)))
    if unseen and None in wanted:
        told = f"{len(unseen):,} crops and whole pictures of the dataset, e.g. {min(unseen)}"
        log.warning("WARNING: the audit did not look at %s: they may be what was asked for", told)
    for answer in found:
        if answer.found is None:
            yield f"{answer.picture}: not in the dataset"
        else:
            how = "is" if answer.equal else "looks like"
            where = split_of.get(answer.found, "no split")
            yield f"{answer.picture}: {how} {answer.found}, in {where}"
