"""Makes the three files that a classifier is trained from: the README's step 4.

    classification_ds.csv   a row for each crop              (``training_table``)
    label_index.json        the order of the labels
    splits.json             which location is in which split (``training_splits``)

Beside them: the ledger of the queried pictures, and ``dataset_info.json``, which carries on how
the crops were made, and what the labels stand for (``label_taxa.json``, beside the queried ones).
"""

from __future__ import annotations

import gc
import logging
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path

import numpy as np

from database_tools.core import names, splits
from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Drops
from database_tools.core.split_search import Location, LocationTable
from database_tools.datasets import training_splits, training_table
from database_tools.datasets.training_config import CSV, SPLITS, TrainingConfig
from database_tools.datasets.training_splits import SplitWish
from database_tools.datasets.training_table import STAGE, CropSource, Filters
from database_tools.formats import (
    classification_csv,
    crops_info,
    dataset_info,
    label_index,
    label_spec,
    label_taxa,
    ledger_json,
    queried_images,
    splits_json,
)
from database_tools.formats.classification_csv import Crop
from database_tools.formats.dataset_info import DatasetInfo
from database_tools.formats.splits_json import Splits

log = logging.getLogger(__name__)

LABEL_INDEX, SPLITS_JSON = "label_index.json", "splits.json"
_COUNTED = itemgetter(*map(Crop._fields.index, ("dataset", "location", "labels")))


def make(config: TrainingConfig) -> None:
    """Make what ``config.mode`` asks for.

    Raises:
        UserError: if a file is missing or breaks its format, no crop is left, or a label lacks a
            split and all are required.
    """
    matched = _matched(config)
    table = _make_table(config, matched) if CSV in config.mode else None
    table = table or _counts(config.output_dir / classification_csv.NAME)
    parts: Splits | None = None
    if SPLITS in config.mode:
        parts = _make_splits(config, table, matched)
    _write_info(config, table, parts)


def _matched(config: TrainingConfig) -> frozenset[Location] | None:
    return (
        None if config.match_test is None else splits_json.read(config.match_test[1])[splits.TEST]
    )


def _make_table(
    config: TrainingConfig, matched: frozenset[Location] | None
) -> LocationTable | None:
    """Write the rows; return what reading them will count, None if it must be read for that."""
    drops = Drops()
    counted: Counter[str] = Counter()

    def images() -> Iterator[queried_images.QueriedImage]:
        counted.clear()  # the pictures may be read twice, and are counted once
        for image in queried_images.read(_given(config.queried_images_json)):
            counted["in"] += 1
            yield image

    def crops() -> Iterator[Crop]:
        source = CropSource(
            _given(config.cropped_images_dir),
            _given(config.detector_output_cache_dir),
            str(config.detector_version),
            config.threshold,
        )
        filters = Filters(config.min_locs, matched or frozenset())
        for rows in training_table.rows(images, source, filters, drops):
            counted["out"] += 1
            yield from rows
        if config.match_test is not None:
            for crop in classification_csv.read(config.match_test[0]):
                if (crop.dataset, crop.location) in filters.taken:
                    yield crop

    written = _Written()
    path = config.output_dir / classification_csv.NAME
    gc.disable()  # millions of tuples, none of them in a circle: a fifth of the time
    try:
        classification_csv.write(path, written.noting(crops()))
    finally:
        gc.enable()
    ledger = drops.close(STAGE, counted["in"], counted["out"])
    ledger_path = ledger_json.write(config.output_dir, ledger)
    if summary := ledger.summary():
        log.info("%s. See %s", summary, ledger_path)
    labels = {label for *_, its in written.rows for label in its}
    if not labels:
        raise UserError(f"{path}: no crop is left; {ledger.summary() or 'no picture is queried'}")
    label_index.write(config.output_dir / LABEL_INDEX, sorted(labels))
    return written.table()


class _Written:
    """Counts rows on their way into the file.

    Attributes:
        rows: number of each dataset, location and labels.
    """

    def __init__(self) -> None:
        self.rows: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
        self._paths = array("q")
        self._is_plain = True

    def noting(self, crops: Iterator[Crop]) -> Iterator[Crop]:
        """Yield the rows, after looking at a thousand at a time."""
        while some := list(islice(crops, 1000)):
            self.rows.update(map(_COUNTED, some))
            self._paths.extend(hash(names.key(crop.path)) for crop in some)
            self._is_plain = self._is_plain and classification_csv.are_plain(some)
            yield from some

    def table(self) -> LocationTable | None:
        """Return what reading will count; None if a row is there twice or is read otherwise."""
        if not self._is_plain or len(np.unique(self._paths)) < len(self._paths):
            return None
        return LocationTable.count(
            {((dataset, at), ",".join(labels)): n for (dataset, at, labels), n in self.rows.items()}
        )


def _given(path: Path | None) -> Path:
    if path is None:
        raise ValueError("the configuration lets no such request pass")
    return path


def _counts(path: Path) -> LocationTable:
    crops = classification_csv.read(path)
    return LocationTable.count(
        ((crop.dataset, crop.location), ",".join(crop.labels)) for crop in crops
    )


def _make_splits(
    config: TrainingConfig, table: LocationTable, matched: frozenset[Location] | None
) -> Splits:
    if config.splits_json is not None:
        parts = _own_splits(config.splits_json, table)
    else:
        parts = training_splits.make(table, _wish(config, matched))
    has_test = config.splits_json is not None or matched is not None or config.test_frac
    wanted = splits.ALL if has_test else (splits.TRAIN, splits.VAL)
    lacking = training_splits.gaps(table, parts, wanted)
    if lacking and config.require_all_splits:
        raise UserError(f"--require-all-splits: {'; '.join(lacking)}")
    for line in lacking:
        log.warning("WARNING: %s", line)
    splits_json.write(config.output_dir / SPLITS_JSON, parts)
    for name in splits.ALL:
        inside = [i for i, location in enumerate(table.locations) if location in parts[name]]
        log.info("%s: %d locations, %d crops", name, len(inside), table.crops[inside].sum())
    return parts


def _own_splits(path: Path, table: LocationTable) -> Splits:
    parts = splits_json.read(path)
    everywhere = frozenset().union(*parts.values())
    if lost := [location for location in table.locations if location not in everywhere]:
        rule = f"no split has the location {lost[0]}, as {len(lost)} of {len(table.locations)}"
        raise FormatError(path, "", rule)
    return {name: parts[name].intersection(table.locations) for name in splits.ALL}


def _wish(config: TrainingConfig, matched: frozenset[Location] | None) -> SplitWish:
    levels = None
    if config.label_spec is not None:
        spec = label_spec.read(config.label_spec)
        levels = {label: rule.prioritize for label, rule in spec.items()}
    return SplitWish(
        val=float(config.val_frac or 0),
        test=float(config.test_frac or 0),
        method=config.method,
        seed=config.seed,
        priorities=levels,
        matched=matched,
    )


def _write_info(config: TrainingConfig, table: LocationTable, parts: Splits | None) -> None:
    """Carry on how the crops were made, and count them by label and split."""
    before = _earlier_info(config.output_dir)
    recipe, parameters = (None, {}) if before is None else (before.recipe, before.parameters)
    known = None if before is None else before.taxonomy
    if config.queried_images_json is not None:
        known = label_taxa.read(config.queried_images_json.parent)
    if known is not None:
        known = {label: taxa for label, taxa in known.items() if label in table.labels}
    if config.cropped_images_dir is not None:
        made = crops_info.read(config.cropped_images_dir)
        recipe = None if made is None else made.recipe
        parameters = {
            "threshold": config.threshold,
            "detector_version": config.detector_version,
            "min_locs": config.min_locs,
        }
    if recipe is None:
        log.warning("WARNING: no %s says how the crops were made", crops_info.NAME)
    counts = {}
    for name, places in (parts or {"all": frozenset(table.locations)}).items():
        inside = [i for i, location in enumerate(table.locations) if location in places]
        counts[name] = tuple(table.crops[inside].sum(axis=0).tolist())
    dataset_info.write(
        config.output_dir, DatasetInfo(table.labels, counts, parameters, recipe, known)
    )


def _earlier_info(folder: Path) -> DatasetInfo | None:
    return dataset_info.read(folder) if (folder / dataset_info.NAME).exists() else None
