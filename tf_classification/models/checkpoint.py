"""A trained network from what a training run leaves behind, or from a model bundle.

A checkpoint is one of

* ``ckpt_N.weights.h5`` or ``best.weights.h5`` of the trainer: weights only;
* a ``.keras`` model of the same network;
* a model bundle: a folder that says itself what it is.

Weights know neither their network nor their labels: whoever reads them says what they are of.  A
bundle knows, and whatever contradicts it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from database_tools.core.errors import UserError
from tf_classification.models import bundle, signatures, torch_files, weights
from tf_classification.models.bundle import Bundle
from tf_classification.models.description import Description
from tf_classification.models.table import NETWORKS

_SUFFIXES = (weights.SUFFIX, ".keras")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network with its weights.

    Attributes:
        path: where it was read.
        model: raw RGB float32 0..255 to logits; None for a bundle of a network that is not in the
            table, as those of ``slim_legacy``, which is asked through its signatures.
        description: what it is; of weights, as far as their training run tells.
        bundle: the bundle that it was read from; None for weights.
    """

    path: Path
    model: keras.Model | None
    description: Description
    bundle: Bundle | None = None


def check(path: Path) -> None:
    """Refuse, before anything slow, what cannot be a checkpoint."""
    if not path.exists():
        raise UserError(f"{path}: no such checkpoint")
    if path.suffix in torch_files.SUFFIXES:
        advice = "import_pytorch_checkpoint.py turns it into a model bundle"
        raise UserError(f"{path} is a PyTorch checkpoint; {advice}")
    if not path.is_dir() and not path.name.endswith(_SUFFIXES):
        expected = f"a model bundle, {' or '.join(_SUFFIXES)}"
        raise UserError(f"{path}: expected {expected}")


def read(path: Path, expected: Description, origin: str) -> Checkpoint:
    """Read a checkpoint; call it in the scope of the strategy that shall run the network.

    Args:
        path: the checkpoint.
        expected: what the weights are of; of a bundle network and labels are only compared.
        origin: where the labels are from, for messages; "" to take a bundle's own unseen.

    Raises:
        UserError: if it cannot be read, or network, outputs or labels do not fit.
    """
    check(path)
    if path.is_dir():
        return _of_bundle(path, expected, origin)
    model = signatures.build_network(expected)
    _load(model, path, expected, origin)
    return Checkpoint(path, model, expected)


def _of_bundle(path: Path, expected: Description, origin: str) -> Checkpoint:
    found = bundle.read(path)
    if origin:
        found.check_labels(expected.labels, origin)
    network = found.description.network
    # Whose network is not in the table cannot be asked for by --model-name.
    if network in NETWORKS and network != expected.network:
        raise UserError(f"{path} is of {network}, not {expected.network}: give --model-name")
    model = found.network() if network in NETWORKS else None
    return Checkpoint(path, model, found.description, found)


def _load(model: keras.Model, path: Path, expected: Description, origin: str) -> None:
    try:
        weights.load(model, path, expected.network)
    except UserError as error:
        raise UserError(f"{error} (with the {len(expected.labels)} labels of {origin})") from error


def export(checkpoint: Checkpoint, description: Description, base: Path) -> Bundle:
    """Write the network as a bundle, unless the newest one there is just this."""
    if checkpoint.bundle is not None and checkpoint.model is None:
        return bundle.rewrite(base, checkpoint.bundle, description)
    if bundle.is_bundle(base):
        newest = bundle.read(base)
        if newest.description == description and same(newest.network(), checkpoint.model):
            return newest
    unknown = None if checkpoint.bundle is None else checkpoint.bundle.unknown
    return bundle.write(base, checkpoint.model, description, unknown=unknown)


def same(first: keras.Model, second: keras.Model) -> bool:
    """Tell whether two networks have the same weights."""
    ours, theirs = first.get_weights(), second.get_weights()
    return len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))


def compiled(path: Path) -> Path:
    """Name the bundle of a weights file: beside it, with ``_compiled`` added to the name.

    Source: README, step 7.
    """
    name = next(path.name.removesuffix(end) for end in _SUFFIXES if path.name.endswith(end))
    return path.with_name(f"{name}_compiled")
