"""One way to build every network of the table.

Every network takes raw RGB pixels, float 0..255, and does its own preprocessing, so that training,
evaluation and a served model cannot disagree about it.  It ends in a dense layer named
``predictions`` that gives logits; a softmax belongs to whoever needs probabilities.

    model = networks.build("efficientnet-b3", num_labels=12)
    logits = model(images)          # (B, 300, 300, 3) float32 0..255 -> (B, 12) float32
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from tf_classification.models import efficientnet_lite
from tf_classification.models.table import NETWORKS, Network

__all__ = ["NETWORKS", "build", "momentum_for"]

POOLED = "avg_pool"
"""The layer whose output the last one sees, without dropout: features averaged over a picture."""

# ImageNet's channel means and variances of pixels in 0..1, red first.
_MEAN = (0.485, 0.456, 0.406)
_VARIANCE = (0.229**2, 0.224**2, 0.225**2)
# What ResNet's Caffe weights had subtracted from pixels in 0..255, red first.
_CAFFE_MEAN = (123.68, 116.779, 103.939)


def build(  # noqa: PLR0913 - one call, all by name
    name: str,
    num_labels: int,
    *,
    image_size: int | None = None,
    batchnorm_momentum: float | None = None,
    synchronized: bool = False,
    dropout: float | None = None,
    conv_padding: str = "same",
    views: int = 1,
    dtype: str = "float32",
) -> keras.Model:
    """Build a network with random weights.

    Args:
        name: a key of ``NETWORKS``.
        num_labels: number of outputs.
        image_size: side of the input in pixels; None for the network's own.
        batchnorm_momentum: of every BatchNorm; None for the network's own (see ``momentum_for``).
        synchronized: BatchNorm takes its statistics over all replicas.
        dropout: rate before the last layer; None for the network's own.
        conv_padding: ``"same"`` as TensorFlow pads, or ``"symmetric"`` as the PyTorch weights of
            MegaClassifier need it (EfficientNet B0-B7 only).
        views: 2 to average the features of each picture and of its mirror image.
        dtype: Keras dtype policy; logits are float32 under the mixed ones.

    Returns:
        A functional model: (B, S, S, 3) float pixels 0..255 -> (B, num_labels) logits.

    Raises:
        ValueError: for an unknown network, or a padding that this one cannot have.
    """
    if name not in NETWORKS:
        raise ValueError(f"no network {name!r}; there are {', '.join(NETWORKS)}")
    if conv_padding not in ("same", "symmetric"):
        raise ValueError(f"conv_padding is same or symmetric, got {conv_padding!r}")
    network = NETWORKS[name]
    size = image_size or network.image_size
    exact = "float64" if dtype == "float64" else "float32"  # for what half precision would harm
    with _dtype_policy(dtype):
        pixels = keras.Input((size, size, 3), name="image", dtype=exact)
        seen = pixels if views == 1 else keras.ops.concatenate([pixels, pixels[:, :, ::-1]], 0)
        features = _pooled(_features(network, seen), views)
        rate = network.dropout if dropout is None else dropout
        model = keras.Model(pixels, _head(features, num_labels, rate, exact))
    padded = any(isinstance(layer, keras.layers.ZeroPadding2D) for layer in model.layers)
    if conv_padding == "symmetric" and not (padded and network.body.startswith("EfficientNetB")):
        raise ValueError(f"{name} has no padding that could be made symmetric")
    ours = network.body in efficientnet_lite.SCALES
    if not ours or batchnorm_momentum is not None or synchronized or dtype != "float32":
        change = _Changes(batchnorm_momentum, synchronized, conv_padding, exact)
        # keras.applications gives no way to ask for these, so each layer is made anew.
        model = keras.models.clone_model(model, clone_function=change)
    model.name = name.replace("-", "_")
    return model


def momentum_for(steps_per_epoch: int) -> float:
    """Momentum with which BatchNorm's averages see about one epoch: 0.9 to 0.99.

    Keras' default of 0.99 averages over some hundred steps.  With a few steps per epoch the
    averages then lag many epochs behind the weights, and a network that has learnt predicts
    as if it had not.
    """
    return min(0.99, max(0.9, 1 - 1 / max(steps_per_epoch, 1)))


def _features(network: Network, pixels: Any) -> Any:
    if network.body == "DemoCNN":
        return _demo_cnn(pixels)
    if network.body in efficientnet_lite.SCALES:
        return efficientnet_lite.features(network.body, pixels)
    if network.caffe:
        shift = keras.layers.Normalization(mean=_CAFFE_MEAN, variance=(1.0, 1.0, 1.0))
        pixels = shift(pixels)
    body = getattr(keras.applications, network.body)
    return body(input_tensor=pixels, weights=None, include_top=False).output


def _demo_cnn(pixels: Any) -> Any:
    """Four convolutions: enough for the generated demo world, minutes on a laptop."""
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    for i, filters in enumerate((16, 32, 64, 96), start=1):
        if i > 1:
            x = keras.layers.MaxPooling2D(name=f"pool{i}")(x)
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{i}")(x)
        x = keras.layers.BatchNormalization(name=f"bn{i}")(x)
        x = keras.layers.ReLU(name=f"relu{i}")(x)
    return x


def _pooled(features: Any, views: int) -> Any:
    """Average over the picture, and over its views, which are one after the other in the batch."""
    if views == 1:
        return keras.layers.GlobalAveragePooling2D(name=POOLED)(features)
    each = keras.layers.GlobalAveragePooling2D(name="each_view")(features)
    apart = keras.ops.reshape(each, (views, -1, each.shape[-1]))
    return keras.layers.Identity(name=POOLED)(keras.ops.mean(apart, axis=0))


def _head(features: Any, num_labels: int, dropout: float, dtype: str) -> Any:
    """Drop, predict; the kernel starts as the EfficientNet paper's code has it."""
    x = keras.layers.Dropout(dropout, name="top_dropout")(features)
    uniform = keras.initializers.VarianceScaling(1 / 3, "fan_out", "uniform")
    last = keras.layers.Dense(
        num_labels, kernel_initializer=uniform, dtype=dtype, name="predictions"
    )
    return last(x)


@dataclass(frozen=True)
class _Changes:
    """Copies a layer with the settings that differ from ``keras.applications``."""

    momentum: float | None
    synchronized: bool
    conv_padding: str
    exact: str

    def __call__(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = self.synchronized
            if self.momentum is not None:
                config["momentum"] = self.momentum
        elif isinstance(layer, keras.layers.ZeroPadding2D) and self.conv_padding == "symmetric":
            (_, bottom), (_, right) = config["padding"]
            config["padding"] = ((bottom, bottom), (right, right))
        elif isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            config |= self._preprocessing(layer, config)
        return type(layer).from_config(config)

    def _preprocessing(self, layer: keras.layers.Layer, config: dict[str, Any]) -> dict[str, Any]:
        """Fixed names, full precision, and constants where Keras has them in a weights file."""
        new: dict[str, Any] = {"name": type(layer).__name__.lower(), "dtype": self.exact}
        if config.get("mean", 0) is None:
            new |= {"mean": _MEAN, "variance": _VARIANCE}
        return new


@contextmanager
def _dtype_policy(dtype: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
