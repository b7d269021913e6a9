"""Model bundles: asked through their signatures, so that nothing of them is built anew."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from database_tools.durable import plain_paths
from database_tools.imaging import UnreadableImage
from tf_classification.models import frozen, signatures
from tf_classification.models.bundle import Bundle
from tf_classification.predictor.predictor import Floats, Pictures, Predictor

Array = npt.NDArray[Any]
Answer = dict[str, Array]


class SavedModel(Predictor):
    """A bundle.

    Attributes:
        bundle: what was opened.
        signatures: name to function, with variables, as TensorFlow loads them.
    """

    def __init__(self, bundle: Bundle) -> None:
        described = bundle.description
        super().__init__(bundle.path, described.labels, described.image_size, described.crop_recipe)
        self.thresholds = described.thresholds
        self.bundle, self._unknown = bundle, bundle.unknown
        self.tells_unknown = self._unknown is not None
        # Kept whole: the signatures alone do not keep their variables alive.
        with plain_paths.folder(bundle.path) as plain:
            self._loaded = tf.saved_model.load(plain)
        self.signatures = dict(self._loaded.signatures)
        self.function = functools.cache(self._frozen)

    def _frozen(self, name: str) -> Callable[[Array], Answer]:
        """Freeze a signature: a function of its only input to its outputs by name.

        ``function`` does it once for each.  InvalidArgumentError comes from a broken picture.
        """
        call = frozen.freeze(self.signatures[name])
        ((_, spec),) = self.signatures[name].structured_input_signature[1].items()

        def compute(rows: Array) -> Answer:
            return {
                key: value.numpy() for key, value in call(tf.constant(rows, spec.dtype)).items()
            }

        return compute

    def _of_encoded(self, encoded: Sequence[bytes]) -> Floats:
        with _broken_named():
            return self.function(signatures.BYTES)(np.array(encoded, object))["probabilities"]

    def _pixels(self, encoded: bytes) -> Floats:
        with _broken_named():
            if signatures.PREPARED in self.signatures:
                prepared = self.function(signatures.PREPARED)(np.array([encoded], object))
                return prepared["pixels"][0]
            decode = signatures.decoder(self.bundle.description)
            return np.asarray(decode(tf.constant(encoded), self.bundle.description.image_size))

    def of_pixels(self, pixels: Pictures) -> Floats:
        """Classify (N, side, side, 3) 0..255."""
        return self.function(signatures.PIXELS)(np.asarray(pixels, np.float32))["probabilities"]

    def logits(self, pixels: Pictures) -> Floats:
        """Return the logits of (N, side, side, 3) 0..255."""
        return self._inside(np.asarray(pixels, np.float32))["logits"]

    def features(self, pixels: Pictures) -> Floats:
        """Return the averaged features of (N, side, side, 3) 0..255."""
        answer = self._inside(np.asarray(pixels, np.float32))
        return answer["features"] if "features" in answer else super().features(pixels)

    def with_unknown(self, pixels: Pictures) -> Floats:
        """Return probabilities and the distance beyond what is known, (N, labels + 1)."""
        if self._unknown is None:
            return super().with_unknown(pixels)
        answer = self._inside(np.asarray(pixels, np.float32))
        found = self.bundle.description.calibration.probabilities(answer["logits"])
        beyond = self._unknown.beyond(answer["features"], answer["logits"])
        return np.column_stack([found, beyond.astype(np.float32)])

    @functools.cached_property
    def _inside(self) -> Callable[[Array], Answer]:
        """Return a function of pixels to logits and features.

        Older bundles have no signature for them: it is their network built anew.
        """
        if signatures.LOGITS in self.signatures:
            return self.function(signatures.LOGITS)
        network = signatures.with_features(self.bundle.network())
        return lambda pixels: {k: v.numpy() for k, v in network(pixels, training=False).items()}


@contextlib.contextmanager
def _broken_named() -> Iterator[None]:
    try:
        yield
    except tf.errors.InvalidArgumentError:
        raise UnreadableImage("corrupt") from None
