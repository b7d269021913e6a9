"""Builds a dataset of crops: annotated pictures and a detector in, COCO files and records out.

    build(BuildConfig(Path("cct.json"), Path("images"), Path("md_v4.1.0.pb"),
                      coco_style_output=Path("crops")))

Order of a build: read and check everything that can be wrong, detect, cut, close the files.
Killed anywhere and called again, it goes on, and the files are those of an undisturbed run.
``docs/architecture.md`` shows the way of a picture.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

from database_tools import imaging
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.detection_choice import LOWER
from database_tools.core.splits import SPLITS
from database_tools.crops import cutting
from database_tools.datasets import (
    build_state,
    cropping,
    dataset_files,
    detection_step,
    outcome,
    preview,
)
from database_tools.datasets import plan as plans
from database_tools.datasets.build_config import BuildConfig
from database_tools.datasets.build_state import BuildState
from database_tools.datasets.cropping import Cropping
from database_tools.datasets.dataset_writer import DatasetWriter
from database_tools.datasets.detection_step import DetectionStep
from database_tools.datasets.plan import Plan
from database_tools.datasets.preview_cards import Page
from database_tools.datasets.workspace import Sizes, Workspace
from database_tools.durable import files
from database_tools.formats import coco_camera_traps
from database_tools.work import executors, stream

log = logging.getLogger(__name__)

Watch = Callable[[range, str], Iterable[int]]
"""Shows progress: from numbers and a word for what is being done, to the same numbers."""


def build(
    config: BuildConfig, watch: Watch = lambda items, what: items, executor: Executor | None = None
) -> None:
    """Build the dataset, or go on with it; an executor that is given cuts instead of our own.

    Raises:
        UserError: for anything that the user has to mend; nothing is lost then.
    """
    annotations = coco_camera_traps.read(config.input_json, config.location_key)
    log.info("All categories: %s", ", ".join(f'"{name}"' for name in annotations.categories))
    log.info("Annotation of an image, for reference: %s", json.dumps(annotations.example))
    workspace = Workspace(config.coco_style_output, config.tfrecords_output)
    plan = plans.make(annotations, config, workspace.reserved)
    with (
        workspace.claimed(cropping.planned(plan)),
        detection_step.detect(
            config,
            plan := plans.for_disk(plan, workspace.disk()),
            workspace.state,
            lambda items: watch(items, "detecting"),
        ) as step,
    ):
        pass_ = Cropping(config, plan, step.results)
        start = _start(_inputs(config) | step.inputs, plan, workspace, pass_.size)
        if start is not None:
            step.write(workspace.main)  # before what may take days
            with (
                files.writing_below(workspace.main),
                _workers(config, executor) as workers,
                DatasetWriter(workspace, start, config.ims_per_record) as writer,
            ):
                images = watch(range(start.next, len(plan)), "cropping")
                jobs = pass_.jobs(images, workers)
                for unit, cuts in stream.in_order(
                    workers, cutting.cut_all, jobs, weight=cropping.weight
                ):
                    pass_.add(writer, unit, cuts)
                end = writer.close()
            _close(config, plan, step, workspace, end)
        outcome.check(dataset_files.ledger_path(workspace), config)


def _start(
    inputs: Mapping[str, Any], plan: Plan, workspace: Workspace, sizes: Sizes
) -> BuildState | None:
    """Return where to go on or begin; None if nothing is left to do."""
    told = build_state.as_json(inputs)
    start = workspace.earlier(told, sizes)
    if start is None:
        return workspace.begin(told)
    if start.complete:
        log.info("nothing to do: %s is complete", workspace.main)
        return None
    if start.next:
        log.info("going on after %d of %d images", start.next, len(plan))
    return start


@contextlib.contextmanager
def _workers(config: BuildConfig, given: Executor | None) -> Iterator[Executor]:
    """Give what cuts; what is made here is closed here."""
    if given is not None:
        yield given
        return
    far = config.dask_scheduler, [config.image_dir]
    with executors.make(config.workers, imaging.own_process, *far) as executor:
        yield executor


def _close(
    config: BuildConfig, plan: Plan, step: DetectionStep, workspace: Workspace, end: BuildState
) -> None:
    """Write the files that close a dataset, and say what it holds."""
    recipe = CropRecipe.of_2019(config.padding_factor)
    info = dataset_files.write(workspace, plan, _parameters(config), recipe)
    preview.write(workspace, Page(config, plan, step.results, recipe), info)
    ledger = dataset_files.write_ledger(workspace, plan)
    workspace.finish(end)
    for split in SPLITS:
        log.info("%d crops for %s", info.size(split), split)
        if not info.size(split):
            log.warning("WARNING: no crop is left for %s: its files are empty", split)
    path = dataset_files.ledger_path(workspace)
    for summary in filter(None, (ledger.summary(), ledger.summary_beside())):
        log.info("%s. See %s", summary, path)
    if rejected := step.results.would_pass(dataset_files.unsure(workspace), LOWER):
        log.info("%d of these would pass with --detection_threshold %g", rejected, LOWER)


def _inputs(config: BuildConfig) -> dict[str, Any]:
    """Return everything but detections that the output depends on."""
    return {
        "version": 2,
        "input_json": files.sha256(config.input_json),
        "splits_json": None if config.splits_json is None else files.sha256(config.splits_json),
        "image_dir": str(config.image_dir.resolve()),
        "outputs": [config.coco_style_output is not None, config.tfrecords_output is not None],
        **_parameters(config),
    }


def _parameters(config: BuildConfig) -> dict[str, Any]:
    """Return the flags that ``dataset_info.json`` tells of."""
    return {
        "location_key": config.location_key,
        "exclude_categories": list(config.exclude_categories),
        "padding_factor": config.padding_factor,
        "test_fraction": config.test_fraction if config.splits_json is None else None,
        "ims_per_record": config.ims_per_record,
        "detection_threshold": config.detection_threshold,
        "multiple_detections": config.multiple_detections,
        "detection_category": list(config.detection_category),
        "missing_location": config.missing_location,
        "max_pixels": config.max_pixels,
        **({"every_label_in_train": True} if config.every_label_in_train else {}),
    }
