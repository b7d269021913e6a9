"""The network of a run: what its configuration says of it, before or after the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tf_classification.models import bundle
from tf_classification.models.description import Description
from tf_classification.runs.config import TrainConfig


def describe(config: TrainConfig, labels: Sequence[str]) -> Description:
    """Say of a run's network what a bundle says, as far as its configuration tells."""
    return Description(
        labels=tuple(labels),
        network=config.model_name,
        image_size=config.size,
        conv_padding=conv_padding(config),
        parameters=asdict(config),
    )


def conv_padding(config: TrainConfig) -> str:
    """Take it from the bundle whose weights are taken: they belong together."""
    if config.conv_padding is not None:
        return config.conv_padding
    path = Path(str(config.pretrained))
    if isinstance(config.pretrained, str) and path.is_dir():
        return bundle.read(path).description.conv_padding
    return "same"
