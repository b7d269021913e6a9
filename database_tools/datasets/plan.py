"""What a build means to do with each picture, before anything is detected.

Everything here follows from the annotations and flags alone, so that impossible requests stop a
run in its first second.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from database_tools.core import reasons, repeated_entries, splits
from database_tools.core.annotations import SEVERAL, UNLABELED, Annotations, Location
from database_tools.core.errors import UserError, few
from database_tools.core.names import EXACT, Disk, Places, category_folders, key, written
from database_tools.core.splits import SPLITS, TEST, TRAIN
from database_tools.datasets import output_folder
from database_tools.datasets.build_config import BuildConfig
from database_tools.durable import spelling
from database_tools.formats import splits_json

log = logging.getLogger(__name__)

_SHOWN = 50  # locations or labels listed on the terminal; a dataset may have thousands
_WORDS = (
    "",
    reasons.OUTSIDE,
    reasons.LISTED_BEFORE,
    reasons.NO_ANNOTATION,
    reasons.SEVERAL_CATEGORIES,
    reasons.EXCLUDED_CATEGORY,
    reasons.SEVERAL_LOCATIONS,
    reasons.NO_LOCATION,
)


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


def make(annotations: Annotations, config: BuildConfig, reserved: frozenset[str]) -> Plan:
    """Plan a build; no category's folder may have a name that is ``reserved``.

    Raises:
        UserError: for a category that does not exist, an image without a location, a location
            without a split, or a split without a location.
    """
    if not len(annotations):
        raise UserError(f"{config.input_json}: lists no image")
    excluded = _class_ids(config.exclude_categories, annotations.categories)
    names = [written(file) for file in annotations.files]
    pictures = list(_pictures(names, config.image_dir))
    known, repeated = repeated_entries.settle(pictures, annotations.classes, annotations.locations)
    locations = _locations(annotations, known, config)
    rows = enumerate(zip(names, annotations.classes, locations, strict=True))
    why = array("b", (_WORDS.index(repeated.get(i) or _reason(*row, excluded)) for i, row in rows))
    taken = {name.casefold() for name in reserved}
    folders = category_folders(
        annotations.categories, lambda folder: folder in taken or output_folder.is_name(folder)
    )
    labels = _labels(annotations, locations, why)
    drawn = _splits(known, locations, labels, config)
    _tell_of_labels(labels, drawn, config)
    return Plan(annotations, names, locations, drawn, folders, why, _WORDS)


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


def _pictures(names: Sequence[str | None], folder: Path) -> Iterator[str | None]:
    """Yield for each name the first one that leads to its picture.

    Two that differ in Unicode's form only may be two pictures: Linux can keep both.
    """
    by_key: dict[str, str] = {}
    for name in names:
        if name is None or name.isascii():
            yield name
        else:
            first = by_key.setdefault(key(name), name)
            same = first != name and spelling.same_file(folder / first, folder / name)
            yield first if same else name


def _reason(name: str | None, label: int, location: str | None, excluded: Collection[int]) -> str:
    """Say why a picture is left out; nothing if it is not."""
    if name is None:
        return reasons.OUTSIDE
    if label == UNLABELED:
        return reasons.NO_ANNOTATION
    if label == SEVERAL:
        return reasons.SEVERAL_CATEGORIES
    if label in excluded:
        return reasons.EXCLUDED_CATEGORY
    return "" if location is not None else reasons.NO_LOCATION


def _labels(
    annotations: Annotations, locations: Sequence[str | None], why: Sequence[int]
) -> dict[str, set[str]]:
    """Return the labels that each location has, of pictures that are not left out."""
    rows = zip(locations, annotations.classes, why, strict=True)
    pairs = {(location, label) for location, label, reason in rows if not reason}
    labels: dict[str, set[str]] = {}
    for location, label in pairs:
        if location is not None:
            labels.setdefault(location, set()).add(annotations.categories[label])
    return labels


def _tell_of_labels(
    labels: Mapping[str, Iterable[str]], drawn: Mapping[str, str], config: BuildConfig
) -> None:
    """Name the labels that one split lacks for certain."""
    if splits.empty(drawn):
        return
    places: dict[str, list[str]] = {}
    for location, names in labels.items():
        for name in names:
            places.setdefault(name, []).append(location)
    if single := sorted(name for name, where in places.items() if len(where) == 1):
        log.info("Labels of one location only, so in one split only: %s", few(single, _SHOWN))
    several = {name: where for name, where in places.items() if len(where) > 1}
    tested = sorted(n for n, where in several.items() if {drawn[x] for x in where} == {TEST})
    if tested:
        advice = "use --every_label_in_train" if config.splits_json is None else "move one to train"
        log.warning("all locations of these labels test; %s: %s", advice, few(tested, _SHOWN))


def _class_ids(names: Sequence[str], categories: Sequence[str]) -> frozenset[int]:
    if unknown := [name for name in names if name not in categories]:
        raise UserError(
            f"--exclude_categories: no category {unknown[0]!r}; there are {', '.join(categories)}"
        )
    return frozenset(categories.index(name) for name in names)


def _locations(
    annotations: Annotations, known: Sequence[Location | None], config: BuildConfig
) -> list[str | None]:
    missing = [i for i, location in enumerate(known) if location is None]
    if missing and config.missing_location == "error":
        raise UserError(_no_location(annotations, config, missing))
    if missing:
        log.info("%d images have no %r", len(missing), config.location_key)
    return splits.fill_missing(known, annotations.ids, config.missing_location)


def _no_location(annotations: Annotations, config: BuildConfig, missing: Sequence[int]) -> str:
    first = missing[0]
    message = (
        f"{config.input_json}: image {annotations.ids[first]!r} ({annotations.files[first]!r}): no "
        f'"{config.location_key}", as {len(missing):,} of {len(annotations):,} images; '
        f"keys are {', '.join(annotations.keys)}. "
    )
    key = splits.nearest_key(config.location_key, annotations.keys)
    if len(missing) == len(annotations) and key is not None:
        return f"{message}Use --location_key {key}?"
    return f"{message}Use --missing_location drop, together or each?"


def _splits(
    known: Sequence[Location | None],
    locations: Sequence[str | None],
    labels: Mapping[str, Iterable[str]],
    config: BuildConfig,
) -> dict[str, str]:
    present = splits.in_order(x for x in known if x is not None)
    # Stand-ins for missing locations come last, in the order of the images.
    ordered = list(dict.fromkeys([*present, *(x for x in locations if x is not None)]))
    if config.splits_json is None:
        drawn = splits.draw(
            ordered, config.test_fraction, labels if config.every_label_in_train else None
        )
    else:
        drawn = _given(ordered, config.splits_json)
    if (empty := splits.empty(drawn)) and not (
        config.splits_json is None and config.test_fraction in (0, 1)
    ):
        raise UserError(_empty_split(empty, len(ordered), None in known, config))
    _log_splits(drawn)
    return drawn


def _given(ordered: Sequence[str], path: Path) -> dict[str, str]:
    given = splits_json.read_locations(path)
    if unlisted := [location for location in ordered if location not in given]:
        raise UserError(
            f'{path}: no split for the location "{unlisted[0]}"'
            + (f" and {len(unlisted) - 1} others" if len(unlisted) > 1 else "")
        )
    return {location: given[location] for location in ordered}


def _empty_split(empty: str, number: int, missing: bool, config: BuildConfig) -> str:
    """Say which split is empty, and a way on that gives something to learn from."""
    message = (
        f"{config.splits_json or config.input_json}: no location for the {empty} split, "
        f"of {number} in all; "
    )
    if config.splits_json is not None:
        return f"{message}move one there"
    if missing and config.missing_location != "each":
        return f"{message}--missing_location each takes images without one as locations"
    if config.every_label_in_train and number > 1:
        return f"{message}leave out --every_label_in_train, as each has the last of some label"
    return f"{message}--test_fraction 0 puts all into {TRAIN}"


def _log_splits(drawn: dict[str, str]) -> None:
    train, test = ([x for x, split in drawn.items() if split == name] for name in SPLITS)
    numbers = "%d locations in total, %d will be used for training, %d for testing"
    log.info(numbers, len(drawn), len(train), len(test))
    for title, names in (("Training", train), ("Testing", test)):
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        log.info("%s uses locations  %s%s", title, names[:_SHOWN], more)
