"""What ``predict_image.py`` and ``eval_frozen_graph.py`` do with a classifier."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from database_tools import imaging
from database_tools.core.errors import UserError
from database_tools.formats import crops_coco
from tf_classification import predictor
from tf_classification.predictor import Predictor
from tf_classification.predictor.frozen_graph import FrozenGraph

log = logging.getLogger(__name__)

TOP = 5
_PICTURES_BETWEEN_LINES = 100


def predict(model: Path, classes_file: Path, image: Path) -> list[tuple[str, float]]:
    """Return the five most likely classes of a crop with their probabilities.

    Raises:
        UserError: if the crop is no picture, or the classes do not fit.
    """
    opened = predictor.open(model, classes_file)
    try:
        return best(opened, imaging.read(image), TOP)
    except imaging.UnreadableImage as error:
        raise UserError(f"{image}: {error.reason}") from None


def best(model: Predictor, crop: bytes, number: int) -> list[tuple[str, float]]:
    """Return the ``number`` most likely labels of a crop; equal ones in their own order."""
    (probabilities,) = model.of_encoded([crop])
    order = np.argsort(-probabilities, kind="stable")[:number]
    return [(model.labels[i], float(probabilities[i])) for i in order]


def evaluate(graph_file: Path, folder: Path, say: Callable[[str], None]) -> float:
    """Return the top-1 accuracy on the crops of ``test.json``, in a shuffled, fixed order.

    Raises:
        UserError: if no crop could be read, or the classes do not fit.
    """
    test = crops_coco.read(folder / "test.json")
    names = [test.categories[i] for i in sorted(test.categories)]
    graph = FrozenGraph(graph_file, names, str(folder / "test.json"))
    order = list(range(len(test.files)))
    random.Random(0).shuffle(order)
    right = seen = 0
    for i in order:
        try:
            (answer,) = graph.of_encoded([imaging.read(folder / test.files[i])])
        except imaging.UnreadableImage as error:
            log.warning("left out: %s: %s", folder / test.files[i], error.reason)
            continue
        right += int(answer.argmax()) == test.labels[i]
        seen += 1
        if seen % _PICTURES_BETWEEN_LINES == 0:
            say(f"Currently at {right / seen:.2%} top-1 accuracy")
    if seen < len(order):
        log.warning("%d of %d crops were left out", len(order) - seen, len(order))
    if not seen:
        raise UserError(f"{folder / 'test.json'}: no crop could be read")
    return right / seen
