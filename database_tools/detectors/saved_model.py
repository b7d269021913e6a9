"""A detector in a SavedModel folder, made by the Object Detection API or by TF-Vision.

The signature ``serving_default`` takes one tensor, uint8 (B, H, W, 3), whatever its name
(``input_tensor``, ``inputs``), and returns ``detection_boxes``, ``detection_scores``,
``detection_classes`` and mostly ``num_detections``; TF-Vision's also ``image_info``.  Outputs
that nobody needs, such as raw boxes of every anchor, are not fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from database_tools.core.errors import UserError
from database_tools.detectors import graph_detector, raw_output
from database_tools.detectors.batched import Batched, in_one_line
from database_tools.durable import plain_paths

_SIGNATURE = "serving_default"
_BLOCK = 1 << 20


def load(folder: Path, batch_size: int) -> Batched:
    """Open a SavedModel; raise UserError if the folder holds none or none of a detector."""
    model = _open(folder)
    signature = _signature(folder, model)
    (key, pictures) = _input(folder, signature)
    at_once = graph_detector.batch_size_of(folder, pictures.dtype, pictures.shape, batch_size)
    _check_outputs(folder, signature)
    wanted = (*raw_output.REQUIRED, *raw_output.OPTIONAL)

    def run(batch: tf.Tensor, model: object = model) -> Mapping[str, tf.Tensor]:
        # ``model`` owns the variables and would be collected without this reference.
        outputs = signature(**{key: batch})
        return {name: outputs[name] for name in wanted if name in outputs}

    return graph_detector.make(folder, at_once, _hash(folder), run)


def _open(folder: Path) -> tf.Module:
    if not (folder / "saved_model.pb").is_file():
        raise UserError(f"{folder}: no saved_model.pb in this folder, so it is no SavedModel")
    try:
        with plain_paths.folder(folder) as plain:
            return tf.saved_model.load(str(plain))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, tf.errors.OpError) as error:
        text = in_one_line(error)
        raise UserError(f"{folder}: this SavedModel cannot be loaded: {text}") from error


def _signature(folder: Path, model: tf.Module) -> tf.types.experimental.ConcreteFunction:
    if _SIGNATURE not in model.signatures:
        names = ", ".join(sorted(model.signatures)) or "none"
        raise UserError(f"{folder}: no signature {_SIGNATURE!r}; its signatures: {names}")
    return model.signatures[_SIGNATURE]


def _input(
    folder: Path, signature: tf.types.experimental.ConcreteFunction
) -> tuple[str, tf.TensorSpec]:
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise UserError(
            f"{folder}: not a detector: {_SIGNATURE!r} takes {sorted(inputs)}, expected one input"
        )
    return next(iter(inputs.items()))


def _check_outputs(folder: Path, signature: tf.types.experimental.ConcreteFunction) -> None:
    outputs = signature.structured_outputs
    if missing := [name for name in raw_output.REQUIRED if name not in outputs]:
        found = ", ".join(f'"{name}"' for name in sorted(outputs)) or "none"
        raise UserError(f'{folder}: not a detector: no output "{missing[0]}"; its outputs: {found}')


def _hash(folder: Path) -> str:
    """Hash the graph and the variables: what results depend on."""
    digest = hashlib.sha256()
    for file in sorted([folder / "saved_model.pb", *folder.glob("variables/*")]):
        digest.update(file.name.encode("utf-8"))
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
