"""Inception V4 (Szegedy et al. 2016) as TF-slim lays it out.

149 convolutions in 22 named blocks, an auxiliary head on ``Mixed_6h`` and the main head:
151 convolutions and two fully connected layers, 608 variables, 306 of them trained. Takes RGB
in [-1, 1], (B, 299, 299, 3). The public ``inception_v4.ckpt`` (1001 classes, 0 is background)
has exactly these names.

Source: arXiv 1602.07261, figures 3-9, with the names and sizes of TF-slim's layer table.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from slim_legacy.nets.layers import Chain, Conv, Linear, Pool, Shape, Step, classify

IMAGE_SIZE = 299
SCOPE = "InceptionV4"

_AUX_INPUT = "Mixed_6h"

# What TF-slim's names say: order in the branch ("1a" changes the size), then the window.
_MAX = ("MAX", 3, 2, "VALID")
_AVG = ("AVG", 3, 1, "SAME")


def _mixed(name: str, *branches: list[Step]) -> Chain:
    """A block of parallel branches ``Branch_0``, ``Branch_1``, ..."""
    return Chain(name, [tuple(Chain(f"Branch_{i}", steps) for i, steps in enumerate(branches))])


def _convs(*rows: str) -> list[Step]:
    """Convolutions from rows like ``"Conv2d_0a_1x1 64"``; ``s2`` is stride 2, ``V`` VALID."""
    layers: list[Step] = []
    for row in rows:
        name, filters, *options = row.split()
        stride = 2 if "s2" in options else 1
        layers.append(Conv(name, int(filters), stride, "VALID" if "V" in options else "SAME"))
    return layers


def _inception_a(name: str) -> Chain:
    return _mixed(
        name,
        _convs("Conv2d_0a_1x1 96"),
        _convs("Conv2d_0a_1x1 64", "Conv2d_0b_3x3 96"),
        _convs("Conv2d_0a_1x1 64", "Conv2d_0b_3x3 96", "Conv2d_0c_3x3 96"),
        [Pool("AvgPool_0a_3x3", *_AVG), *_convs("Conv2d_0b_1x1 96")],
    )


def _inception_b(name: str) -> Chain:
    return _mixed(
        name,
        _convs("Conv2d_0a_1x1 384"),
        _convs("Conv2d_0a_1x1 192", "Conv2d_0b_1x7 224", "Conv2d_0c_7x1 256"),
        _convs(
            "Conv2d_0a_1x1 192",
            "Conv2d_0b_7x1 192",
            "Conv2d_0c_1x7 224",
            "Conv2d_0d_7x1 224",
            "Conv2d_0e_1x7 256",
        ),
        [Pool("AvgPool_0a_3x3", *_AVG), *_convs("Conv2d_0b_1x1 128")],
    )


def _inception_c(name: str) -> Chain:
    return _mixed(
        name,
        _convs("Conv2d_0a_1x1 256"),
        [*_convs("Conv2d_0a_1x1 384"), tuple(_convs("Conv2d_0b_1x3 256", "Conv2d_0c_3x1 256"))],
        [
            *_convs("Conv2d_0a_1x1 384", "Conv2d_0b_3x1 448", "Conv2d_0c_1x3 512"),
            tuple(_convs("Conv2d_0d_1x3 256", "Conv2d_0e_3x1 256")),
        ],
        [Pool("AvgPool_0a_3x3", *_AVG), *_convs("Conv2d_0b_1x1 256")],
    )


def _backbone() -> list[keras.layers.Layer]:
    """The 22 blocks in order; each one's name is its end point's."""
    stem = _convs("Conv2d_1a_3x3 32 s2 V", "Conv2d_2a_3x3 32 V", "Conv2d_2b_3x3 64")
    mixed_3a = _mixed("Mixed_3a", [Pool("MaxPool_0a_3x3", *_MAX)], _convs("Conv2d_0a_3x3 96 s2 V"))
    mixed_4a = _mixed(
        "Mixed_4a",
        _convs("Conv2d_0a_1x1 64", "Conv2d_1a_3x3 96 V"),
        _convs("Conv2d_0a_1x1 64", "Conv2d_0b_1x7 64", "Conv2d_0c_7x1 64", "Conv2d_1a_3x3 96 V"),
    )
    mixed_5a = _mixed("Mixed_5a", _convs("Conv2d_1a_3x3 192 s2 V"), [Pool("MaxPool_1a_3x3", *_MAX)])
    mixed_6a = _mixed(
        "Mixed_6a",
        _convs("Conv2d_1a_3x3 384 s2 V"),
        _convs("Conv2d_0a_1x1 192", "Conv2d_0b_3x3 224", "Conv2d_1a_3x3 256 s2 V"),
        [Pool("MaxPool_1a_3x3", *_MAX)],
    )
    mixed_7a = _mixed(
        "Mixed_7a",
        _convs("Conv2d_0a_1x1 192", "Conv2d_1a_3x3 192 s2 V"),
        _convs(
            "Conv2d_0a_1x1 256", "Conv2d_0b_1x7 256", "Conv2d_0c_7x1 320", "Conv2d_1a_3x3 320 s2 V"
        ),
        [Pool("MaxPool_1a_3x3", *_MAX)],
    )
    return [
        *stem,
        mixed_3a,
        mixed_4a,
        mixed_5a,
        *(_inception_a(f"Mixed_5{letter}") for letter in "bcde"),
        mixed_6a,
        *(_inception_b(f"Mixed_6{letter}") for letter in "bcdefgh"),
        mixed_7a,
        *(_inception_c(f"Mixed_7{letter}") for letter in "bcd"),
    ]


class InceptionV4(keras.Model):
    """The network; calling it gives its end points by their slim names.

    ``model(images, training=...)["Logits"]`` is (B, num_classes) float32; ``"AuxLogits"`` too;
    the 22 blocks, ``"global_pool"``, ``"PreLogitsFlatten"`` and ``"Predictions"`` (softmax) are
    there as well and cost nothing when a compiled function leaves them out.
    """

    def __init__(self, num_classes: int, image_size: int = IMAGE_SIZE) -> None:
        super().__init__(name=SCOPE)
        self.image_size = image_size
        self.blocks = _backbone()
        self.aux = Chain(
            "AuxLogits",
            [
                Pool("AvgPool_1a_5x5", "AVG", 5, 3, "VALID"),
                Conv("Conv2d_1b_1x1", 128),
                Conv("Conv2d_2a", 768, padding="VALID"),
                Linear("Aux_logits", num_classes),
            ],
        )
        self.head = Chain("Logits", [Linear("Logits", num_classes)])
        self.build((None, image_size, image_size, 3))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make every variable, each under its slim name.

        Raises:
            TooSmall: if the pictures are so small that a layer has nothing to look at.
        """
        shape: Shape = (self.image_size, self.image_size, 3)
        for block in self.blocks:
            block.build(shape)
            shape = block.output_size
            if block.name == _AUX_INPUT:
                self.aux.build(shape)
        self.head.build((1, 1, shape[-1]))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Return the end points of (B, image_size, image_size, 3) float32 in [-1, 1]."""
        points: dict[str, tf.Tensor] = {}
        x = images
        for block in self.blocks:
            points[block.name] = x = block(x, training=training)
        points["AuxLogits"] = self.aux(points[_AUX_INPUT], training=training)
        return points | classify(x, self.head, training)
