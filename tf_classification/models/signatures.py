"""The signatures of the bundle's SavedModel: from pictures to named probabilities.

===================  ============================  ===========================================
signature            input                         outputs, one row for each picture
===================  ============================  ===========================================
serving_default      image_bytes (N,) string:      classes (N, labels) string, label order;
                     JPEG, PNG, GIF or BMP files   probabilities (N, labels) float32;
serving_pixels       pixels (N, side, side, 3)     top_classes, top_probabilities (N, k):
                     float32, RGB 0..255           the k best, falling, k = 5 or all
prepared_pixels      image_bytes                   pixels, as serving_pixels takes them
logits_and_features  pixels                        logits (N, labels), before calibration;
                                                   features (N, F), averaged over the picture,
                                                   where the network has them
===================  ============================  ===========================================

Older bundles have the first two only.

All outputs have N rows, since TensorFlow Serving's row format wants that; hence the names are
repeated in each row.  No output's name ends in ``_bytes``: TensorFlow Serving would send it in
base64.  Orientation tags are not looked at (crops carry none).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from database_tools.core.errors import UserError
from database_tools.durable import plain_paths
from tf_classification.data import transforms
from tf_classification.models import networks
from tf_classification.models.calibration import Calibration, CalibrationCurve
from tf_classification.models.description import RESIZE_SLIM, RESIZE_WHOLE, Description
from tf_classification.models.quiet import quiet

Decode = Callable[[tf.Tensor, int], tf.Tensor]

BYTES = "serving_default"
PIXELS = "serving_pixels"
PREPARED = "prepared_pixels"
LOGITS = "logits_and_features"
TOP = 5


def build_network(description: Description) -> keras.Model:
    """Build the network that a description names, in float32, with fresh weights.

    Raises:
        UserError: if the network is not in the table: one of ``slim_legacy`` is used by its
            signatures only.
    """
    if description.network not in networks.NETWORKS:
        raise UserError(
            f"the network {description.network} cannot be built anew here: its bundle is not "
            "trained on"
        )
    return networks.build(
        description.network,
        len(description.labels),
        image_size=description.image_size,
        conv_padding=description.conv_padding,
        views=description.views,
    )


def decoder(description: Description) -> Decode:
    """Return what prepares an encoded picture as a description says: (side, side, 3) float32.

    Raises:
        UserError: for a network of ``slim_legacy``, whose signatures alone know.
    """
    resize = description.resize
    if resize == RESIZE_SLIM:
        raise UserError(f"pictures are prepared for {description.network} by its bundle only")
    shrinks = resize != RESIZE_WHOLE
    return transforms.decode_shrinking if shrinks else transforms.decode_for_evaluation


def with_features(network: keras.Model) -> keras.Model:
    """Let a network of the table give its averaged features too; one that gives them stays.

    Returns:
        a model of pixels to ``{"logits": (N, labels), "features": (N, F)}``.
    """
    pooled = [
        layer.output for layer in getattr(network, "layers", ()) if layer.name == networks.POOLED
    ]
    if not pooled:
        return network
    return keras.Model(network.input, {"logits": network.output, "features": pooled[0]})


def calibrate(logits: tf.Tensor, calibration: Calibration) -> tf.Tensor:
    """Do in the graph what ``Calibration.probabilities`` does: (N, labels) float32 to float32."""
    softmax = tf.nn.softmax(logits / calibration.temperature)
    if calibration.curves is None:
        return softmax
    bent = tf.stack(
        [_bend(softmax[:, i], curve) for i, curve in enumerate(calibration.curves)], axis=1
    )
    total = tf.reduce_sum(bent, axis=1, keepdims=True)
    return tf.where(total > 0, tf.math.divide_no_nan(bent, total), softmax)


def _bend(probability: tf.Tensor, curve: CalibrationCurve) -> tf.Tensor:
    """Interpolate (N,) as a sum of ramps: no search, only operations that every runtime knows."""
    x, y = tf.constant(curve.x, tf.float32), tf.constant(curve.y, tf.float32)
    if len(curve.x) == 1:
        return tf.zeros_like(probability) + y[0]
    run = tf.clip_by_value((probability[:, None] - x[:-1]) / (x[1:] - x[:-1]), 0.0, 1.0)
    return y[0] + tf.reduce_sum(run * (y[1:] - y[:-1]), axis=1)


class Loaded(tf.Module):
    """A network that is in the signatures of its bundle only, to be saved anew.

    Raises:
        UserError: if the bundle is older than the signatures that this needs.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(name="loaded")
        with plain_paths.folder(folder) as plain:
            self._model = tf.saved_model.load(plain)  # keeps the variables
        for name in (LOGITS, PREPARED):
            if name not in self._model.signatures:
                raise UserError(f"{folder} has no signature {name}: export it anew")

    @property
    def image_size(self) -> int:
        """Side of its pictures in pixels."""
        return int(self._model.signatures[LOGITS].structured_input_signature[1]["pixels"].shape[1])

    def __call__(self, pixels: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Map (N, side, side, 3) float32 0..255 to logits, and features if there are."""
        return self._model.signatures[LOGITS](pixels=pixels)

    def decode(self, encoded: tf.Tensor, _: int) -> tf.Tensor:
        """Prepare an encoded picture, scalar string: (side, side, 3) float32 0..255."""
        return self._model.signatures[PREPARED](image_bytes=encoded[None])["pixels"][0]


class Servable(tf.Module):
    """A network with all that stands between a picture and its named probabilities."""

    def __init__(
        self, network: keras.Model, description: Description, decode: Decode | None = None
    ) -> None:
        super().__init__(name="classifier")
        self._prepare = decode or decoder(description)
        network = with_features(network)
        # Of a Keras model its variables alone: Keras would trace and save a graph of its own
        # beside these, which doubles the time to write a bundle and to open it.
        self._kept = (
            network if isinstance(network, Loaded) else [v.value for v in network.variables]
        )
        self._answer = functools.partial(network, training=False)
        self._calibration = description.calibration
        self._labels = description.labels
        self._size = description.image_size

    def pixels_to_answer(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify (N, size, size, 3) float32, RGB 0..255."""
        probabilities = calibrate(self._inside(pixels)["logits"], self._calibration)
        best = tf.math.top_k(probabilities, min(TOP, len(self._labels)))
        names = tf.constant(self._labels)
        return {
            "classes": tf.broadcast_to(names, tf.shape(probabilities)),
            "probabilities": probabilities,
            "top_classes": tf.gather(names, best.indices),
            "top_probabilities": best.values,
        }

    def _network_outputs(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        answer = self._answer(pixels)
        return answer if isinstance(answer, dict) else {"logits": answer}

    def _decode(self, encoded: tf.Tensor) -> tf.Tensor:
        return self._prepare(encoded, self._size)

    def functions(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Trace all signatures; the network is traced once, for all."""
        side = self._size
        pixels = tf.TensorSpec([None, side, side, 3], tf.float32, name="pixels")
        encoded = tf.TensorSpec([None], tf.string, name="image_bytes")
        picture = tf.TensorSpec((side, side, 3), tf.float32)
        self._inside = tf.function(self._network_outputs).get_concrete_function(pixels)
        by_pixels = tf.function(self.pixels_to_answer).get_concrete_function(pixels)

        def bytes_to_pixels(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            """Prepare (N,) encoded pictures."""
            return {"pixels": tf.map_fn(self._decode, image_bytes, fn_output_signature=picture)}

        prepare = tf.function(bytes_to_pixels).get_concrete_function(encoded)

        def bytes_to_answer(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            """Classify (N,) encoded pictures."""
            return by_pixels(prepare(image_bytes)["pixels"])

        by_bytes = tf.function(bytes_to_answer).get_concrete_function(encoded)
        return {BYTES: by_bytes, PIXELS: by_pixels, PREPARED: prepare, LOGITS: self._inside}


def save(
    network: keras.Model, description: Description, folder: Path, decode: Decode | None = None
) -> None:
    """Write the SavedModel with its signatures into an empty folder.

    Args:
        network: raw RGB float32 0..255 to logits.
        description: labels, size, calibration.
        folder: where to write.
        decode: from an encoded picture and a side to (side, side, 3) float32 0..255; by default
            ``decoder`` of the description.
    """
    servable = Servable(network, description, decode)
    with quiet():
        tf.saved_model.save(servable, folder, signatures=servable.functions())
