"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation, with ReLU6, made for int8.

``keras.applications`` has neither the networks nor a builder that could be told to make them: its
EfficientNets scale stem, head, first and last stage too.  The layers are called as Keras calls
B0's, so that weights are brought over in one way (``efficientnet_pytorch``).

Source: Google's EfficientNet-Lite (2020).  Input (pixel - 127) / 128, TensorFlow's padding,
BatchNorm epsilon 1e-3; depth scales neither the first nor the last stage, width neither stem nor
head.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from keras import initializers, layers

SCALES = {
    "EfficientNetLite0": (1.0, 1.0),
    "EfficientNetLite1": (1.0, 1.1),
    "EfficientNetLite2": (1.1, 1.2),
}
"""Body to the factors of width and depth."""

_STEM, _HEAD = 32, 1280
_DROP_CONNECT = 0.2  # of the last block while training; none of the first


class Stage(NamedTuple):
    """Blocks of one width; the first of them takes the stride."""

    kernel: int
    repeats: int
    stride: int
    expansion: int
    filters: int


_LITE0 = (
    Stage(3, 1, 1, 1, 16),
    Stage(3, 2, 2, 6, 24),
    Stage(5, 2, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(5, 3, 1, 6, 112),
    Stage(5, 4, 2, 6, 192),
    Stage(3, 1, 1, 6, 320),
)


def stages(body: str) -> list[Stage]:
    """Return the stages of a key of ``SCALES``: widths are multiples of 8, depths rounded up."""
    width, depth = SCALES[body]
    scaled = []
    for stage in _LITE0:
        fixed = stage in (_LITE0[0], _LITE0[-1])
        repeats = stage.repeats if fixed else math.ceil(depth * stage.repeats)
        scaled.append(stage._replace(repeats=repeats, filters=_round(width * stage.filters)))
    return scaled


def _round(filters: float) -> int:
    """Round to a multiple of 8 that takes away a tenth at most."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * filters else rounded + 8


def features(body: str, pixels: Any) -> Any:
    """Map RGB 0..255 to the features before pooling, 1,280 channels at 1/32 of the size."""
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescaling")(pixels)
    x = _normal(_conv(x, _STEM, "stem_", kernel=3, strides=2), "stem_")
    blocks = [
        (stage._replace(stride=1) if repeat else stage, f"block{i}{chr(ord('a') + repeat)}_")
        for i, stage in enumerate(stages(body), start=1)
        for repeat in range(stage.repeats)
    ]
    for number, (stage, name) in enumerate(blocks):
        x = _block(x, stage, name, _DROP_CONNECT * number / len(blocks))
    return _normal(_conv(x, _HEAD, "top_"), "top_")


def _block(inputs: Any, stage: Stage, name: str, drop: float) -> Any:
    """Widen, filter each channel, narrow; and add the input where the shapes are equal."""
    x, channels = inputs, inputs.shape[-1]
    if stage.expansion > 1:
        x = _conv(x, channels * stage.expansion, f"{name}expand_")
        x = _normal(x, f"{name}expand_")
    x = layers.DepthwiseConv2D(
        stage.kernel,
        strides=stage.stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}dwconv",
    )(x)
    x = _normal(x, name)
    x = _conv(x, stage.filters, f"{name}project_")
    x = layers.BatchNormalization(name=f"{name}project_bn")(x)
    if stage.stride > 1 or channels != stage.filters:
        return x
    x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.add([x, inputs], name=f"{name}add")


def _conv(x: Any, filters: int, name: str, kernel: int = 1, strides: int = 1) -> Any:
    return layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=f"{name}conv",
    )(x)


def _normal(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(name=f"{name}bn")(x)
    return layers.Activation("relu6", name=f"{name}activation")(x)


def _initializer() -> initializers.Initializer:
    """As the paper's code has it; each layer draws from its own."""
    return initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")
