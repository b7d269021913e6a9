"""Names of networks to the networks; importing this module does not import TensorFlow."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from database_tools.core.errors import UserError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Network:
    """Where a network is and what it takes.

    Attributes:
        module: module in ``slim_legacy.nets``.
        name: its class: ``(num_classes, image_size)`` to a Keras model whose call gives a dict
            of end points, among them ``Logits`` and perhaps ``AuxLogits``.
        image_size: side of the square pictures that it takes unless told otherwise.
    """

    module: str
    name: str
    image_size: int


networks_map = {
    "inception_v4": Network("inception_v4", "InceptionV4", 299),
    "mobilenet_v2_140": Network("mobilenet_v2", "MobilenetV2", 224),
    "tiny": Network("tiny", "Tiny", 32),
}


def get(name: str) -> Network:
    """Return a network's row.

    Raises:
        UserError: if there is no such network; TF-slim's other ones are not part of the product.
    """
    if name not in networks_map:
        known = ", ".join(networks_map)
        raise UserError(f"Name of network unknown {name}: --model_name is one of {known}")
    return networks_map[name]


def build(name: str, num_classes: int, image_size: int | None = None) -> keras.Model:
    """Make the network with random variables, named as in its checkpoints.

    Args:
        name: a key of ``networks_map``.
        num_classes: outputs of each head.
        image_size: side of the pictures; the network's own when None.

    Raises:
        UserError: if the name is unknown or the pictures are too small for the network.
    """
    from slim_legacy.nets.layers import TooSmall

    row = get(name)
    size = image_size or row.image_size
    module = importlib.import_module(f"slim_legacy.nets.{row.module}")
    try:
        return getattr(module, row.name)(num_classes, size)
    except TooSmall as error:
        raise UserError(f"{name} cannot take pictures of {size} x {size}: {error}") from error


def variables(network: keras.Model) -> dict[str, keras.Variable]:
    """Return the model variables by their name in a checkpoint, in the order of the network."""
    return {variable.path: variable for variable in network.variables}


def num_classes(network: keras.Model) -> int:
    """Return how many classes a network tells apart."""
    return int(network.head.output_size[-1])


def is_regularised(name: str) -> bool:
    """Tell whether weight decay acts on a variable: kernels of convolutions and of heads.

    Biases, batch normalisation and depthwise kernels are left alone, as in TF-slim.
    """
    return name.endswith(("/weights", "/kernel")) and "depthwise" not in name
