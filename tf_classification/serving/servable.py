"""The model behind the server: a bundle, frozen, with what it says about itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from google.protobuf import json_format  # type: ignore[import-untyped]
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tf_classification.data import picture_size, plain_pictures
from tf_classification.models.bundle import SAVED_MODEL, Bundle
from tf_classification.models.signatures import BYTES, PIXELS
from tf_classification.predictor import saved_model
from tf_classification.serving.errors import PictureError, invalid
from tf_classification.serving.json_tensor import FLOAT, STRING

Array = npt.NDArray[Any]

_PREDICT = "tensorflow/serving/predict"


@dataclass(frozen=True)
class Signature:
    """One signature, ready to be called.

    Attributes:
        input_name: name of its only input.
        kind: ``STRING`` or ``FLOAT``.
        shape: of the input; None for any number.
        compute: from rows to outputs by name, as numpy arrays.
    """

    input_name: str
    kind: str
    shape: tuple[int | None, ...]
    compute: Callable[[Array], dict[str, Array]]

    @property
    def row(self) -> tuple[int, ...]:
        """Shape of one row: () for a picture that is a file."""
        return tuple(size or 1 for size in self.shape[1:])

    def check(self, value: Array) -> None:
        """Refuse an array of another shape, or what is no picture."""
        fits = len(value.shape) == len(self.shape) and all(
            wanted in (None, found) for wanted, found in zip(self.shape, value.shape, strict=True)
        )
        if not fits:
            wanted = ",".join("-1" if n is None else str(n) for n in self.shape)
            found = ",".join(map(str, value.shape))
            raise invalid(f"input {self.input_name} has shape [{found}], expected [{wanted}]")
        if self.kind == STRING:
            _check_pictures(value)


class Servable:
    """A bundle that answers.

    Attributes:
        bundle: what is served.
        signatures: name to signature.
        metadata: the answer to ``GET .../metadata``, but for the model's name.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        model = saved_model.SavedModel(bundle)
        for usual in (BYTES, PIXELS):
            model.function(usual)  # frozen now, not at the first request
        self.signatures = {name: _signature(model, name) for name in model.signatures}
        self.metadata = _metadata(bundle)

    def warm_up(self, batch_size: int) -> None:
        """Compute once for both ends of the batch sizes: the first time takes seconds."""
        encoded = tf.io.encode_jpeg(np.zeros((8, 8, 3), np.uint8)).numpy()
        for size in (1, batch_size):
            self.signatures[BYTES].compute(np.array([encoded] * size, object))


def _signature(model: saved_model.SavedModel, signature: str) -> Signature:
    ((name, spec),) = model.signatures[signature].structured_input_signature[1].items()

    def compute(rows: Array) -> dict[str, Array]:
        ready = _plain(rows) if _kind(spec) == STRING else rows
        try:
            return model.function(signature)(ready)
        except tf.errors.InvalidArgumentError as error:
            # the reason is the last line before the name of the node
            reason = error.message.partition("\n\t [[")[0].rpartition("\n")[2]
        if _kind(spec) != STRING:
            raise invalid(reason)
        if len(rows) == 1:
            raise PictureError(0, reason)
        return _one_by_one(compute, rows)

    return Signature(name, _kind(spec), tuple(spec.shape), compute)


def _plain(rows: Array) -> Array:
    """Have the image loader decode what TensorFlow would decode otherwise, or not at all.

    Done for a batch, not for a request, as decoded pictures may be far larger than their files.
    """
    plain = np.empty(len(rows), object)
    for i, encoded in enumerate(rows):
        plain[i] = plain_pictures.plain(encoded)
        if not plain[i]:
            raise PictureError(i, "the file is damaged or no picture")
    return plain


def _one_by_one(compute: Callable[[Array], dict[str, Array]], rows: Array) -> dict[str, Array]:
    """Find the picture for which a batch failed, and say its number."""
    answers = []
    for i in range(len(rows)):
        try:
            answers.append(compute(rows[i : i + 1]))
        except PictureError as error:
            raise PictureError(i, error.reason) from None
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def _kind(spec: tf.TensorSpec) -> str:
    return STRING if spec.dtype == tf.string else FLOAT


def _check_pictures(rows: Array) -> None:
    """Look at the heads only: a small file may claim a picture that fills the memory."""
    for i, encoded in enumerate(rows):
        if problem := picture_size.problem(encoded):
            raise PictureError(i, problem)


def _metadata(bundle: Bundle) -> dict[str, Any]:
    """Read the signatures from the file, as TensorFlow Serving does."""
    model = saved_model_pb2.SavedModel.FromString((bundle.path / SAVED_MODEL).read_bytes())
    signatures = meta_graph_pb2.MetaGraphDef(signature_def=model.meta_graphs[0].signature_def)
    table = json.loads(
        json_format.MessageToJson(
            signatures, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    )
    return {
        "model_spec": {"name": "", "signature_name": "", "version": str(bundle.version)},
        "metadata": {"signature_def": {"signature_def": table["signature_def"]}},
    }
