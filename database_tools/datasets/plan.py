"""What a build means to do with each picture, before anything is detected.

Everything here follows from the annotations and flags alone, so that impossible requests stop a
run in its first second.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from database_tools.core import location_split, reasons
from database_tools.core.annotations import SEVERAL, UNLABELED, Annotations
from database_tools.core.errors import UserError
from database_tools.core.location_split import SPLITS, TEST, TRAIN
from database_tools.core.names import EXACT, Disk, PictureName, Places, category_folders, key
from database_tools.datasets import shards
from database_tools.formats import location_splits

log = logging.getLogger(__name__)

_SHOWN = 50
"""Locations listed on the terminal; a dataset may have thousands."""


@dataclass(frozen=True)
class SplitRule:
    """How locations are split.

    Attributes:
        input_json: the annotations' path, for messages.
        location_key: key of the images that holds the location.
        missing_location: one of MISSING_LOCATION, for images that have none.
        test_fraction: of the locations; 0 and 1 allow an empty split.
        splits_json: locations of each split instead of a draw, or None.
    """

    input_json: Path
    location_key: str
    missing_location: str
    test_fraction: float
    splits_json: Path | None


@dataclass(frozen=True, eq=False)
class Plan:
    """One row a picture, in the order of the annotations.

    Attributes:
        annotations: what is known of the pictures.
        names: paths relative to the folder of pictures; None for one that leads out of it.
        locations: as texts; None where the picture is left out for having none.
        splits: location to ``train`` or ``test``.
        folders: folder of each category's crops.
        reasons: why a picture is left out already, as an index of ``words``; 0 if it is not.
        words: the reasons; the first is empty.
        disk: that the crops are written to.
    """

    annotations: Annotations
    names: Sequence[str | None]
    locations: Sequence[str | None]
    splits: dict[str, str]
    folders: tuple[str, ...]
    reasons: array[int]
    words: tuple[str, ...]
    disk: Disk = EXACT

    def __len__(self) -> int:
        return len(self.annotations)

    def reason(self, image: int) -> str | None:
        """Return why a picture is left out, None if it is not."""
        return self.words[self.reasons[image]] or None

    def name(self, image: int) -> str:
        """Return the path of a picture that is not left out, relative to the folder."""
        name = self.names[image]
        if name is None:
            raise ValueError(f"picture {image} is left out")
        return name

    def location(self, image: int) -> str:
        """Return the location of a picture that is not left out."""
        location = self.locations[image]
        if location is None:
            raise ValueError(f"picture {image} is left out")
        return location

    def split(self, image: int) -> str:
        """Return the split of a picture that is not left out."""
        return self.splits[self.location(image)]


def make(
    annotations: Annotations,
    rule: SplitRule,
    exclude_categories: Sequence[str],
    reserved: frozenset[str],
    same_file: Callable[[str, str], bool] = lambda one, other: True,
) -> Plan:
    """Plan a build.

    Args:
        annotations: what is known of the pictures.
        rule: how locations are split.
        exclude_categories: names of categories that are left out.
        reserved: names in the folder of crops that no category's folder may have.
        same_file: says of two names that differ in Unicode's form only whether they lead to one
            picture; Linux can keep both.

    Raises:
        UserError: for a category that does not exist, an image without a location, a location
            without a split, or a split without a location.
    """
    if not len(annotations):
        raise UserError(f"{rule.input_json}: lists no image")
    excluded = _class_ids(exclude_categories, annotations.categories)
    locations = _locations(annotations, rule)
    names = [_written(file) for file in annotations.files]
    words = (
        "",
        reasons.OUTSIDE,
        reasons.LISTED_BEFORE,
        reasons.NO_ANNOTATION,
        reasons.SEVERAL_CATEGORIES,
        reasons.EXCLUDED_CATEGORY,
        reasons.NO_LOCATION,
    )
    before = _Before(same_file)
    why = array("b")
    for name, label, location in zip(names, annotations.classes, locations, strict=True):
        found = (
            name is None,
            name is not None and before.has(name),
            label == UNLABELED,
            label == SEVERAL,
            label in excluded,
            location is None,
        )
        why.append(found.index(True) + 1 if True in found else 0)
    taken = {name.casefold() for name in reserved}
    folders = category_folders(
        annotations.categories, lambda folder: folder in taken or shards.is_name(folder)
    )
    splits = _splits(annotations, locations, rule)
    return Plan(annotations, names, locations, splits, folders, why, words)


class _Before:
    """Remembers names, and whether one leads to a picture of before."""

    def __init__(self, same_file: Callable[[str, str], bool]) -> None:
        self._same_file = same_file
        self._written: set[str] = set()
        self._by_key: dict[str, str] = {}

    def has(self, name: str) -> bool:
        """Say whether the picture was there before; from now on it was."""
        if name in self._written:
            return True
        self._written.add(name)
        if name.isascii():
            return False
        first = self._by_key.setdefault(key(name), name)
        return first != name and self._same_file(first, name)


def for_disk(plan: Plan, disk: Disk | None) -> Plan:
    """Leave out pictures whose crops a disk cannot have, each for its reason.

    Of two that it would take for one, the first that is listed is kept.  With no disk, where only
    records are written, none is left out.
    """
    if disk is None:
        return plan
    places = Places(disk)
    words = {word: i for i, word in enumerate(plan.words)}
    why = plan.reasons[:]
    for image, label in enumerate(plan.annotations.classes):
        if not why[image]:
            reason = places.take(f"{plan.folders[label]}/{plan.name(image)}")
            why[image] = words.setdefault(reason, len(words)) if reason else 0
    return replace(plan, reasons=why, words=tuple(words), disk=disk)


def _written(file: str) -> str | None:
    name = PictureName.of(file)
    return None if name is None else name.written


def _class_ids(names: Sequence[str], categories: Sequence[str]) -> frozenset[int]:
    if unknown := [name for name in names if name not in categories]:
        raise UserError(
            f"--exclude_categories: no category {unknown[0]!r}; there are {', '.join(categories)}"
        )
    return frozenset(categories.index(name) for name in names)


def _locations(annotations: Annotations, rule: SplitRule) -> list[str | None]:
    missing = [i for i, location in enumerate(annotations.locations) if location is None]
    if missing and rule.missing_location == "error":
        raise UserError(_no_location(annotations, rule, missing))
    if missing:
        log.info("%d images have no %r", len(missing), rule.location_key)
    return location_split.fill_missing(
        annotations.locations, annotations.ids, rule.missing_location
    )


def _no_location(annotations: Annotations, rule: SplitRule, missing: Sequence[int]) -> str:
    first = missing[0]
    message = (
        f"{rule.input_json}: image {annotations.ids[first]!r} ({annotations.files[first]!r}): no "
        f'"{rule.location_key}", as {len(missing):,} of {len(annotations):,} images; '
        f"keys are {', '.join(annotations.keys)}. "
    )
    key = location_split.nearest_key(rule.location_key, annotations.keys)
    if len(missing) == len(annotations) and key is not None:
        return f"{message}Use --location_key {key}?"
    return f"{message}Use --missing_location drop, together or each?"


def _splits(
    annotations: Annotations, locations: Sequence[str | None], rule: SplitRule
) -> dict[str, str]:
    present = location_split.in_order(x for x in annotations.locations if x is not None)
    # Stand-ins for missing locations come last, in the order of the images.
    ordered = list(dict.fromkeys([*present, *(x for x in locations if x is not None)]))
    if rule.splits_json is None:
        splits = location_split.draw(ordered, rule.test_fraction)
    else:
        splits = _given(ordered, rule.splits_json)
    if (empty := location_split.empty(splits)) and not (
        rule.splits_json is None and rule.test_fraction in (0, 1)
    ):
        raise UserError(_empty_split(empty, len(ordered), rule))
    _log_splits(splits)
    return splits


def _given(ordered: Sequence[str], path: Path) -> dict[str, str]:
    given = location_splits.read(path)
    if unlisted := [location for location in ordered if location not in given]:
        raise UserError(
            f'{path}: no split for the location "{unlisted[0]}"'
            + (f" and {len(unlisted) - 1} others" if len(unlisted) > 1 else "")
        )
    return {location: given[location] for location in ordered}


def _empty_split(empty: str, number: int, rule: SplitRule) -> str:
    source = rule.splits_json or rule.input_json
    other, fraction = (TRAIN, 0) if empty == TEST else (TEST, 1)
    return (
        f"{source}: no location for the {empty} split, of {number} in all; "
        f"--test_fraction {fraction} puts all into {other}"
    )


def _log_splits(splits: dict[str, str]) -> None:
    by_split = {name: [x for x, split in splits.items() if split == name] for name in SPLITS}
    log.info(
        "%d locations in total, %d will be used for training, %d for testing",
        len(splits),
        len(by_split[TRAIN]),
        len(by_split[TEST]),
    )
    for title, name in (("Training", TRAIN), ("Testing", TEST)):
        shown = by_split[name][:_SHOWN]
        more = len(by_split[name]) - len(shown)
        log.info("%s uses locations  %s%s", title, shown, f" and {more} more" if more else "")
