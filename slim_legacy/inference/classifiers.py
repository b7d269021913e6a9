"""Both kinds of classifier behind one call: a frozen graph with a class list, or a bundle."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image

from database_tools.core.errors import UserError
from database_tools.formats import classlist
from slim_legacy.inference import frozen
from tf_classification.models import bundle

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Classifier:
    """A classifier that is open.

    Attributes:
        labels: names in the order of the classes.
        probabilities: (height, width, 3) uint8 RGB to (classes,) float32.
    """

    labels: tuple[str, ...]
    probabilities: Callable[[Pixels], npt.NDArray[np.float32]]

    def best(self, crop: Pixels, number: int) -> list[tuple[str, float]]:
        """Return the most likely names and their probabilities, falling."""
        return ranked(self.probabilities(crop), self.labels, number)


def open_classifier(path: Path, classes_file: Path | None) -> Classifier:
    """Open a frozen graph (``.pb``) or a bundle.

    Args:
        path: the file, or the folder of a bundle.
        classes_file: names of a frozen graph's classes; a bundle has its own, and refuses others.

    Raises:
        UserError: if there is neither, or the names do not fit.
    """
    names = classlist.read(classes_file) if classes_file else None
    if path.is_dir():
        found = bundle.read(path)
        if names is not None:
            found.check_labels(names, str(classes_file))
        return Classifier(found.description.labels, _of_bundle(found))
    graph = frozen.load(path)
    if names is None:
        raise UserError(f"{path}: a frozen graph has no names of classes; give --classes_file")
    check(graph, names, classes_file)
    return Classifier(tuple(names), graph.probabilities)


def check(graph: frozen.Classifier, names: Sequence[str], origin: Path | None) -> None:
    """Raise UserError if a frozen graph has another number of outputs than there are names."""
    outputs = len(graph.probabilities(np.zeros((8, 8, 3), np.uint8)))
    if outputs != len(names):
        raise UserError(f"{origin} has {len(names)} classes, {graph.path} {outputs} outputs")


def ranked(
    probabilities: npt.NDArray[np.float32], labels: Sequence[str], number: int
) -> list[tuple[str, float]]:
    """Return the ``number`` most likely labels; equal ones in their own order."""
    order = np.argsort(-probabilities, kind="stable")[:number]
    return [(labels[i], float(probabilities[i])) for i in order]


def _of_bundle(found: bundle.Bundle) -> Callable[[Pixels], npt.NDArray[np.float32]]:
    # The model has to stay alive: its signature alone does not keep its variables.
    return functools.partial(_ask_bundle, tf.saved_model.load(str(found.path)))


def _ask_bundle(model: Any, crop: Pixels) -> npt.NDArray[np.float32]:
    # The signature of bytes resizes as the bundle's crop policy wants; BMP loses nothing.
    content = io.BytesIO()
    Image.fromarray(crop).save(content, "BMP")
    answer = model.signatures["serving_default"](image_bytes=[content.getvalue()])
    row: npt.NDArray[np.float32] = answer["probabilities"].numpy()[0]
    return row
