"""The network of a run: what its configuration says of it, before or after the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from database_tools.core import taxa
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.taxa import Taxonomy
from tf_classification.models import bundle
from tf_classification.models.description import Description
from tf_classification.runs.config import TrainConfig


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
        parameters=asdict(config),
    )


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
