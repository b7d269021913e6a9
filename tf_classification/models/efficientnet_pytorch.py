"""EfficientNet-PyTorch's weights in the Keras network: the same logits.

MegaClassifier was trained with a copy of EfficientNet-PyTorch 0.7.0.  Its layers are those of
``keras.applications``; their names, the order of the axes and the padding differ:

==============================  =====================================  ==================
state_dict                      Keras                                  axes
==============================  =====================================  ==================
_conv_stem, _bn0                stem_conv, stem_bn                     OIHW to HWIO
_blocks.i._expand_conv, _bn0    B_expand_conv, B_expand_bn             OIHW to HWIO
_blocks.i._depthwise_conv, _bn1 B_dwconv, B_bn                         C1HW to HWC1
_blocks.i._se_reduce, _expand   B_se_reduce, B_se_expand               OIHW to HWIO
_blocks.i._project_conv, _bn2   B_project_conv, B_project_bn           OIHW to HWIO
_conv_head, _bn1                top_conv, top_bn                       OIHW to HWIO
_fc                             predictions                            transposed
==============================  =====================================  ==================

B is Keras' name of block i: block1a, block2a, block2b ...  Version 0.7.0 pads stride-2
convolutions symmetrically, 0.7.1 as TensorFlow does; with the wrong one the logits are silently
wrong, so it is kept in the bundle.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from database_tools.core import taxa
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError, UserError
from database_tools.core.taxa import Taxonomy
from database_tools.durable import files
from database_tools.formats import label_index
from tf_classification.models import bundle, torch_files
from tf_classification.models.bundle import Bundle
from tf_classification.models.description import Description
from tf_classification.models.signatures import build_network
from tf_classification.models.table import NETWORKS
from tf_classification.models.torch_files import Weights

log = logging.getLogger(__name__)

Array = npt.NDArray[Any]

# number of blocks and of channels of the last convolution
_SIZES = {
    (16, 1280): "efficientnet-b0",
    (23, 1280): "efficientnet-b1",
    (23, 1408): "efficientnet-b2",
    (26, 1536): "efficientnet-b3",
    (32, 1792): "efficientnet-b4",
    (39, 2048): "efficientnet-b5",
    (45, 2304): "efficientnet-b6",
    (55, 2560): "efficientnet-b7",
}
_BATCHNORM = ("weight", "bias", "running_mean", "running_var")  # gamma, beta, mean, variance


def network_of(weights: Weights, path: Path) -> tuple[str, int]:
    """Tell which network the weights are of, and of how many labels.

    Raises:
        FormatError: if they are not EfficientNet-PyTorch's B0 to B7.
    """
    blocks = {m[1] for name in weights if (m := re.match(r"_blocks\.(\d+)\.", name))}
    head, last = weights.get("_conv_head.weight"), weights.get("_fc.weight")
    if not blocks or head is None or last is None or last.ndim != 2:
        some = ", ".join(sorted(weights)[:3])
        raise FormatError(path, "the weights", f"not EfficientNet-PyTorch's; they are {some} ...")
    if not any("._se_reduce." in name for name in weights):
        rule = "without squeeze and excitation, as EfficientNet-Lite's: only B0 to B7 are taken"
        raise FormatError(path, "the weights", rule)
    size = (len(blocks), head.shape[0])
    if size not in _SIZES:
        rule = f"{size[0]} blocks and {size[1]} channels are none of EfficientNet B0 to B7"
        raise FormatError(path, "the weights", rule)
    return _SIZES[size], last.shape[0]


def load(network: keras.Model, weights: Weights, path: Path) -> None:
    """Put the weights into a Keras network of the same size.

    Raises:
        FormatError: if a weight is missing, is of another shape, or was not used.
    """
    left = {name for name in weights if not name.endswith("num_batches_tracked")}
    for layer, names in _pairs(network):
        values = []
        for name, wanted in zip(names, layer.weights, strict=True):
            if name not in weights:
                raise FormatError(path, name, f"missing; {network.name} needs it")
            value = _turn(weights[name], layer)
            if value.shape != tuple(wanted.shape):
                rule = f"has shape {value.shape} in Keras' order, expected {tuple(wanted.shape)}"
                raise FormatError(path, name, rule)
            values.append(value)
            left.discard(name)
        layer.set_weights(values)
    if left:
        raise FormatError(path, min(left), f"is not a weight of {network.name}")


def _turn(value: Array, layer: keras.layers.Layer) -> Array:
    """Bring a weight to Keras' order of axes."""
    if value.ndim == 2:
        return np.transpose(value)
    if value.ndim == 4:
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        return np.transpose(value, (2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    return value


def _pairs(network: keras.Model) -> Iterator[tuple[keras.layers.Layer, list[str]]]:
    """Go through the layers that have weights, each with their names in the state_dict."""
    blocks = [
        layer.name.removesuffix("_dwconv")
        for layer in network.layers
        if layer.name.endswith("_dwconv")
    ]
    for layer in network.layers:
        if isinstance(layer, keras.layers.Normalization) or not layer.weights:
            continue
        source = _source(layer.name, blocks)
        if isinstance(layer, keras.layers.BatchNormalization):
            yield layer, [f"{source}.{part}" for part in _BATCHNORM]
        else:
            yield layer, [f"{source}.weight", f"{source}.bias"][: len(layer.weights)]


_OUTSIDE = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "top_conv": "_conv_head",
    "top_bn": "_bn1",
    "predictions": "_fc",
}
_INSIDE = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "dwconv": "_depthwise_conv",
    "bn": "_bn1",
    "se_reduce": "_se_reduce",
    "se_expand": "_se_expand",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}


def _source(name: str, blocks: list[str]) -> str:
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    block, _, part = name.partition("_")
    return f"_blocks.{blocks.index(block)}.{_INSIDE[part]}"


def import_checkpoint(
    checkpoint: Path,
    index: Path,
    base: Path,
    *,
    conv_padding: str = "symmetric",
    label_spec: Path | None = None,
    recipe: CropRecipe | None = None,
) -> Bundle:
    """Write a checkpoint and its label index as a model bundle.

    Args:
        checkpoint: a training ``.pt`` or a TorchScript file.
        index: ``index_to_name.json``, ``{"0": "aardvark", ...}``.
        base: folder that gets the bundle as its next version.
        conv_padding: of the copy that trained it, ``"symmetric"`` (0.7.0, MegaClassifier) or
            ``"same"``.
        label_spec: gives the labels' taxa to the bundle.
        recipe: how the crops of its training were made; None if not known.

    Raises:
        UserError: if the files do not fit each other.
    """
    labels = label_index.read(index)
    weights = torch_files.read(checkpoint)
    name, outputs = network_of(weights, checkpoint)
    if outputs != len(labels):
        raise UserError(f"{index} has {len(labels)} labels but {checkpoint} has {outputs} outputs")
    digest = files.sha256(checkpoint)
    described = Description(
        labels,
        name,
        NETWORKS[name].image_size,
        conv_padding=conv_padding,
        crop_recipe=recipe,
        taxonomy=None if label_spec is None else _taxonomy(label_spec, labels),
        parameters={"imported_from": checkpoint.name, "imported_sha256": digest},
    )
    network = build_network(described)
    load(network, weights, checkpoint)
    return bundle.write(base, network, described)


def import_once(checkpoint: Path, index: Path | None, folder: Path) -> Path:
    """Import a checkpoint where a command wants a model; the second time, take what is there.

    Returns:
        The bundle's folder.

    Raises:
        UserError: if there are no labels, or the files do not fit each other.
    """
    if not checkpoint.is_file():
        raise UserError(f"{checkpoint}: no such checkpoint")
    if index is None:
        raise UserError(
            f"{checkpoint} does not know its labels: give its index_to_name.json, as "
            "--classifier-categories or --label-index"
        )
    base = folder / checkpoint.stem
    if bundle.is_bundle(base):
        known, digest = bundle.read(base), files.sha256(checkpoint)
        if known.description.parameters.get("imported_sha256") == digest:
            known.check_labels(label_index.read(index), str(index))
            return base
    made = import_checkpoint(checkpoint, index, base)
    text = "%s: imported as the model bundle %s; import_pytorch_checkpoint.py has more options"
    log.warning(text, checkpoint, made.path)
    return base


def _taxonomy(label_spec: Path, labels: tuple[str, ...]) -> Taxonomy:
    table = files.read_json(label_spec)
    if not isinstance(table, dict):
        raise FormatError(label_spec, "top level", "expected an object of labels")
    try:
        return taxa.from_json({n: table[n].get("taxa", []) for n in labels if n in table})
    except (AttributeError, TypeError, ValueError) as error:
        raise FormatError(label_spec, "taxa", str(error)) from None
