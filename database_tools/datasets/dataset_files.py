"""The files that close a dataset, made from the journal as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from database_tools.core import reasons
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.ledger import Drops, Ledger
from database_tools.core.splits import SPLITS, TEST, TRAIN
from database_tools.datasets import journal
from database_tools.datasets.journal import BoxLine, CropLine, DropLine
from database_tools.datasets.output_folder import LABEL_MAP, STAGE, TEST_JSON, TRAIN_JSON
from database_tools.datasets.plan import Plan
from database_tools.datasets.workspace import Workspace
from database_tools.formats import crop_locations, crops_coco, dataset_info, label_map, ledger_json
from database_tools.formats.crops_coco import Crop
from database_tools.formats.dataset_info import DatasetInfo

_FILES = {TRAIN: TRAIN_JSON, TEST: TEST_JSON}

_UNSURE = (reasons.BELOW_THRESHOLD, reasons.PEOPLE_ONLY)


def write(
    workspace: Workspace, plan: Plan, parameters: Mapping[str, Any], recipe: CropRecipe
) -> DatasetInfo:
    """Write everything but detections and preview; return what the dataset holds."""
    counts = _counts(workspace, plan)
    info = DatasetInfo(plan.annotations.categories, counts, parameters, recipe)
    if workspace.coco is not None:
        for split in SPLITS:
            _write_coco(workspace.coco / _FILES[split], workspace, plan, split)
        lines = crop_lines(workspace)
        crop_locations.write(workspace.coco, ((x.id, plan.location(x.image)) for x in lines))
    if workspace.tfrecords is not None:
        names = dict(enumerate(plan.annotations.categories))
        label_map.write(workspace.tfrecords / LABEL_MAP, names)
    for folder in workspace.folders:
        dataset_info.write(folder, info)
    return info


def write_ledger(workspace: Workspace, plan: Plan) -> Ledger:
    """Write the account of all pictures."""
    drops, kept, made, last = Drops(), 0, 0, -1
    beside: dict[str, list[str]] = {reason: [] for reason in reasons.BOXES.values()}
    for line in journal.read(workspace.journal):
        if isinstance(line, DropLine):
            drops.add(line.reason, plan.annotations.files[line.image])
        elif isinstance(line, CropLine):  # those of a picture come in a row
            made, kept, last = made + 1, kept + (line.image != last), line.image
        elif isinstance(line, BoxLine):
            beside[reasons.BOXES[line.reason]].append(plan.annotations.files[line.image])
    beside[reasons.UNLISTED] = list(plan.annotations.unlisted)
    beside = {kind: names for kind, names in beside.items() if names}
    ledger = replace(drops.close(STAGE, len(plan), kept), made=made, beside=beside)
    ledger_json.write(workspace.main, ledger)
    return ledger


def unsure(workspace: Workspace) -> Iterator[int]:
    """Return the pictures that a lower threshold may pass, by their places in the plan."""
    return (line.image for line in journal.drops(workspace.journal) if line.reason in _UNSURE)


def ledger_path(workspace: Workspace) -> Path:
    """Return where the ledger lies."""
    return ledger_json.path_in(workspace.main, STAGE)


def crop_lines(workspace: Workspace, split: str | None = None) -> Iterator[CropLine]:
    """Yield the crops of one split or of both, in the order of their ids."""
    lines = journal.crops(workspace.journal)
    return lines if split is None else (line for line in lines if line.split == split)


def _counts(workspace: Workspace, plan: Plan) -> dict[str, tuple[int, ...]]:
    counts = {split: [0] * len(plan.annotations.categories) for split in SPLITS}
    for line in crop_lines(workspace):
        counts[line.split][line.label] += 1
    return {split: tuple(numbers) for split, numbers in counts.items()}


def _write_coco(path: Path, workspace: Workspace, plan: Plan, split: str) -> None:
    def crops() -> Iterator[Crop]:
        for line in crop_lines(workspace, split):
            key = plan.annotations.ids[line.image]
            yield Crop(line.id, line.width, line.height, line.name, key, line.label)

    crops_coco.write(path, crops, plan.annotations.categories)
