"""The files that close a dataset, made from the journal as a stream.

``train.json`` and ``test.json`` are COCO files on one line, as the original's:

    {"images": [{"id": 0, "width": 301, "height": 288, "file_name": "red fox/site1/a.jpg",
                 "original_key": "a"}, ...],
     "categories": [{"id": 0, "name": "red fox", "supercategory": "entity"}, ...],
     "annotations": [{"id": 0, "image_id": 0, "category_id": 0}, ...]}

Ids are shared by both files, so each has gaps.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.ledger import Drops, Ledger
from database_tools.core.location_split import SPLITS, TEST, TRAIN
from database_tools.datasets import journal
from database_tools.datasets.journal import BoxLine, CropLine, DropLine
from database_tools.datasets.output_folder import LABEL_MAP, STAGE, TEST_JSON, TRAIN_JSON
from database_tools.datasets.plan import Plan
from database_tools.datasets.workspace import Workspace
from database_tools.durable import files
from database_tools.formats import dataset_info, label_map, ledger_json
from database_tools.formats.dataset_info import DatasetInfo

log = logging.getLogger(__name__)

_FILES = {TRAIN: TRAIN_JSON, TEST: TEST_JSON}

UNLISTED = "annotation of an image that is not listed"


def write(
    workspace: Workspace, plan: Plan, parameters: Mapping[str, Any], recipe: CropRecipe
) -> DatasetInfo:
    """Write everything but detections and preview; return what the dataset holds.

    Args:
        workspace: whose journal is complete.
        plan: of the build.
        parameters: for ``dataset_info.json``.
        recipe: of the crops, for the same.
    """
    counts = _counts(workspace, plan)
    info = DatasetInfo(plan.annotations.categories, counts, parameters, recipe)
    if workspace.coco is not None:
        for split in SPLITS:
            _write_coco(workspace.coco / _FILES[split], workspace, plan, split)
    if workspace.tfrecords is not None:
        names = dict(enumerate(plan.annotations.categories))
        label_map.write(workspace.tfrecords / LABEL_MAP, names)
    for folder in workspace.folders:
        dataset_info.write(folder, info)
    return info


def write_ledger(workspace: Workspace, plan: Plan) -> Ledger:
    """Write the account of all pictures."""
    drops = Drops()
    kept: set[int] = set()
    boxes = 0
    for line in journal.read(workspace.journal):
        if isinstance(line, DropLine):
            drops.add(line.reason, plan.annotations.files[line.image])
        elif isinstance(line, CropLine):
            kept.add(line.image)
        elif isinstance(line, BoxLine):
            boxes += 1
    for image_id in plan.annotations.unlisted:
        drops.add(UNLISTED, image_id)
    if boxes:
        log.info("%d boxes without area were left out of pictures with others", boxes)
    ledger = drops.close(STAGE, len(kept))
    ledger_json.write(workspace.main, ledger)
    return ledger


def ledger_path(workspace: Workspace) -> Path:
    """Return where the ledger lies."""
    return ledger_json.path_in(workspace.main, STAGE)


def crop_lines(workspace: Workspace, split: str | None = None) -> Iterator[CropLine]:
    """Yield the crops of one split or of both, in the order of their ids."""
    for line in journal.read(workspace.journal):
        if isinstance(line, CropLine) and split in (None, line.split):
            yield line


def _counts(workspace: Workspace, plan: Plan) -> dict[str, tuple[int, ...]]:
    counts = {split: [0] * len(plan.annotations.categories) for split in SPLITS}
    for line in crop_lines(workspace):
        counts[line.split][line.label] += 1
    return {split: tuple(numbers) for split, numbers in counts.items()}


def _write_coco(path: Path, workspace: Workspace, plan: Plan, split: str) -> None:
    images = (
        {
            "id": line.id,
            "width": line.width,
            "height": line.height,
            "file_name": line.name,
            "original_key": plan.annotations.ids[line.image],
        }
        for line in crop_lines(workspace, split)
    )
    categories = (
        {"id": i, "name": name, "supercategory": "entity"}
        for i, name in enumerate(plan.annotations.categories)
    )
    annotations = (
        {"id": line.id, "image_id": line.id, "category_id": line.label}
        for line in crop_lines(workspace, split)
    )
    members = {"images": images, "categories": categories, "annotations": annotations}
    with files.replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(_pieces(members))


def _pieces(members: Mapping[str, Iterable[object]]) -> Iterator[str]:
    """Yield the text of an object of lists as ``json.dump`` writes it, element by element."""
    opening = "{"
    for name, elements in members.items():
        yield f"{opening}{json.dumps(name)}: ["
        separator = ""
        for element in elements:
            yield separator + json.dumps(element)
            separator = ", "
        yield "]"
        opening = ", "
    yield "}"
