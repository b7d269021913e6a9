"""``classify_pictures.py``: a folder of pictures becomes species, by the other commands' libraries.

OUT/detections.json                 MegaDetector 1.6 with classes, for Timelapse
OUT/species.csv                     see ``species``
OUT/index.html                      a sample by species
OUT/classify_pictures_ledger.json   pictures that could not be looked at
OUT/.build                          what is kept, so that the next run does the rest only
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from database_tools import stores
from database_tools.core import detector_version
from database_tools.core.errors import UserError
from database_tools.core.ledger import Drops, Ledger
from database_tools.core.names import CropName, category_folders
from database_tools.detections import batch
from database_tools.detections.batch_config import BatchConfig
from database_tools.durable import folders, locks
from database_tools.formats import (
    classifier_csv,
    detection_json,
    label_index,
    ledger_json,
    megadetector_json,
    unknown_csv,
)
from database_tools.stores import Unavailable
from tf_classification.predictions import merging, running, species, species_page
from tf_classification.predictions.classify_request import ClassifyRequest
from tf_classification.predictions.merge_request import MergeRequest
from tf_classification.predictions.request import RunRequest
from tf_classification.predictions.running import NoCrops, Progress
from tf_classification.predictions.species import Names, Strange
from tf_classification.predictor import sources

log = logging.getLogger(__name__)

STAGE = "classify_pictures"
DETECTIONS, SPECIES, PAGE = "detections.json", "species.csv", "index.html"
_WRITTEN = 0.1
"""Confidence above which a detector's boxes are written, unless fewer are asked for."""


def run(asked: ClassifyRequest, progress: Progress) -> Ledger:
    """Do what the command is asked for, and return the account of the pictures.

    Raises:
        UserError: if files do not fit together, or nothing can be looked at.
    """
    folders.check_claimable(asked.output_dir, STAGE)
    folders.mark(asked.output_dir, STAGE, {})
    state = asked.output_dir / folders.STATE
    with locks.locked(state / "lock"):
        found = _detections(asked, state, progress)
        limits, strange = _classify(asked, state, found, progress)
        return _tell(asked, limits, strange)


def _detections(asked: ClassifyRequest, state: Path, progress: Progress) -> Path:
    """Return the detections, after detecting if need be."""
    if asked.detections_json is not None:
        return asked.detections_json
    assert asked.detector is not None  # one of them is given
    config = BatchConfig(
        asked.detector,
        asked.pictures,
        state / "found.json",
        recursive=True,
        output_relative_filenames=True,
        threshold=min(_WRITTEN, asked.threshold / 2),
        detection_store=state / "store",
    )

    def watch(pictures: range) -> Iterable[int]:
        return progress(iter(pictures), total=len(pictures), desc="detecting")

    batch.run(config, watch)
    return config.output_file


def _classify(
    asked: ClassifyRequest, state: Path, found: Path, progress: Progress
) -> tuple[Mapping[str, float | None], Strange]:
    """Write the detections with classes; return the model's thresholds and unknown animals."""
    detector = detection_json.read_header(found).info.get("detector")
    version = detector_version.of(detector) if isinstance(detector, str) else None
    request = RunRequest(
        asked.model,
        state / "probabilities.csv.gz",
        images_dir=asked.pictures,
        detections_json=found,
        classifier_categories=asked.classifier_categories,
        num_workers=asked.num_workers,
        square_crops=asked.square_crops,
        padding=asked.padding,
        threshold=asked.threshold,
        detector_version=version or "unknown",
        unknown=asked.unknown,
    )
    strange: Strange = frozenset()
    model = running.open_model(request)
    try:
        running.run(request, progress, keep=True)
        if asked.unknown:
            names = map(CropName.parse, unknown_csv.unknown(request.unknown_table))
            strange = frozenset((name.image, name.box) for name in names)
    except NoCrops as error:
        log.warning("%s", error)
        with classifier_csv.writing(request.output, model.labels):
            pass  # no row
    label_index.write(state / "label_index.json", model.labels)
    merging.merge(
        MergeRequest(
            request.output,
            state / "label_index.json",
            asked.output_dir / DETECTIONS,
            asked.model.name,
            # the likeliest of n labels has at least 1 / n
            threshold=min(_WRITTEN, 0.9 / len(model.labels)),
            detection_json=found,
        )
    )
    return model.thresholds, strange


def _tell(asked: ClassifyRequest, limits: Mapping[str, float | None], strange: Strange) -> Ledger:
    """Write what people read, and sort the pictures if asked."""
    merged, table = asked.output_dir / DETECTIONS, asked.output_dir / SPECIES
    header = megadetector_json.read_header(merged)
    names = Names(header, asked.threshold, limits, strange)
    species.write(table, species.rows(megadetector_json.images(merged), asked.pictures, names))
    ledger = _account(merged)
    if not ledger.total:
        raise UserError(f"{merged}: no picture in it")
    if asked.detections_json is not None and (more := _number(asked.pictures)) > ledger.total:
        text = "%s holds %s pictures, %s names %s: the others are not looked at"
        said = asked.pictures, f"{more:,}", asked.detections_json, f"{ledger.total:,}"
        log.warning(text, *said)
    species_page.write(asked.output_dir / PAGE, table, merged, asked.pictures)
    ledger_json.write(asked.output_dir, ledger)
    if asked.sort_into is not None:
        _sort(asked.pictures, asked.sort_into, table)
    counts = Counter(row.species for row in species.read(table))
    for name, number in counts.most_common():
        log.info("%s: %s pictures", name, f"{number:,}")
    return ledger


def _number(folder: Path) -> int:
    """Count the pictures below a folder; where nobody may look, those before."""
    number = 0
    with contextlib.suppress(UserError):  # a card's own folders, say
        for _ in sources.below(folder):
            number += 1
    return number


def _account(merged: Path) -> Ledger:
    drops, total, kept = Drops(), 0, 0
    for image in megadetector_json.images(merged):
        total += 1
        if image.failure is None:
            kept += 1
        else:
            drops.add(megadetector_json.failure_reason(image.failure), image.file)
    return drops.close(STAGE, total, kept)


def _sort(pictures: Path, target: Path, table: Path) -> None:
    """Link each picture into the folders of its species; those that are there already stay."""
    store = stores.open_store(str(pictures))
    found = sorted({row.species for row in species.read(table)})
    places = dict(zip(found, category_folders(found), strict=True))
    placed = lost = 0
    for row in species.read(table):
        if row.species == species.FAILED:
            continue
        path = target / places[row.species] / row.file
        try:
            if not path.exists():
                store.fetch(row.file, path)
            placed += 1
        except Unavailable:
            lost += 1
    if lost:
        log.warning("%d pictures could not be sorted: they are not there any more", lost)
    if target.is_dir() and (others := _number(target) - placed) > 0:
        text = "%s holds %d more, as another run sorted them: an empty folder would not"
        log.warning(text, target, others)
