"""The network of a run: what its configuration says of it, before or after the training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from database_tools.core import taxa
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.taxa import Taxonomy
from tf_classification.models import bundle, checkpoint
from tf_classification.models.checkpoint import Checkpoint
from tf_classification.models.description import Description
from tf_classification.runs.config import BUNDLE, TrainConfig

log = logging.getLogger(__name__)


def describe(config: TrainConfig, labels: Sequence[str]) -> Description:
    """Say of a run's network what a bundle says, as far as its configuration tells."""
    recipe, known = config.crop_recipe, config.taxonomy
    return Description(
        labels=tuple(labels),
        network=config.model_name,
        image_size=config.size,
        conv_padding=conv_padding(config),
        crop_recipe=None if recipe is None else CropRecipe.from_json(recipe),
        taxonomy=None if known is None else _of(labels, taxa.from_json(known)),
        parameters=config.portable(),
    )


def read(logdir: Path, path: Path, expected: Description, origin: str) -> Checkpoint:
    """Read a checkpoint, with what the run of ``logdir`` fitted where that is of its weights."""
    found = checkpoint.read(path, expected, origin)
    if found.bundle is not None:
        return found
    base = logdir / BUNDLE
    if not bundle.is_bundle(base):
        log.warning("%s: neither calibration nor thresholds, as %s is not there", path, base)
        return found
    made = bundle.read(base)
    described = made.description
    asked = expected.network, expected.image_size, expected.labels
    same_kind = (described.network, described.image_size, described.labels) == asked
    if not (same_kind and checkpoint.same(made.network(), found.model)):
        text = "%s: neither calibration nor thresholds: those of %s are of other weights"
        log.warning(text, path, made.path)
        return found
    fitted = replace(
        found.description, calibration=described.calibration, thresholds=described.thresholds
    )
    return replace(found, description=fitted)


def _of(labels: Sequence[str], known: Taxonomy) -> Taxonomy:
    return {label: known[label] for label in labels if label in known}


def conv_padding(config: TrainConfig) -> str:
    """Take it from the bundle whose weights are taken: they belong together."""
    if config.conv_padding is not None:
        return config.conv_padding
    path = Path(str(config.pretrained))
    if isinstance(config.pretrained, str) and path.is_dir():
        return bundle.read(path).description.conv_padding
    return "same"
