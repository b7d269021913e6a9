"""What ``predict_image.py`` and ``eval_frozen_graph.py`` do with a frozen graph."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.formats import classlist, crops_coco
from slim_legacy.inference import classifiers, frozen

log = logging.getLogger(__name__)

TOP = 5
_PICTURES_BETWEEN_LINES = 100


def predict(graph_file: Path, classes_file: Path, image: Path) -> list[tuple[str, float]]:
    """Return the five most likely classes of a crop with their probabilities."""
    names = classlist.read(classes_file)
    graph = frozen.load(graph_file)
    classifiers.check(graph, names, classes_file)
    return classifiers.ranked(graph.probabilities(frozen.decode(image)), names, TOP)


def evaluate(graph_file: Path, folder: Path, say: Callable[[str], None]) -> float:
    """Return the top-1 accuracy on the crops of ``test.json``, in a shuffled, fixed order.

    Args:
        graph_file: frozen graph.
        folder: COCO-style output of ``make_classification_dataset.py``.
        say: is told the accuracy every hundred pictures.

    Raises:
        UserError: if no crop could be read, or the classes do not fit.
    """
    test = crops_coco.read(folder / "test.json")
    graph = frozen.load(graph_file)
    names = [test.categories[i] for i in sorted(test.categories)]
    classifiers.check(graph, names, folder / "test.json")
    order = list(range(len(test.files)))
    random.Random(0).shuffle(order)
    right = seen = 0
    for i in order:
        try:
            picture = frozen.decode(folder / test.files[i])
        except UserError as error:
            log.warning("left out: %s", error)
            continue
        right += int(graph.probabilities(picture).argmax()) == test.labels[i]
        seen += 1
        if seen % _PICTURES_BETWEEN_LINES == 0:
            say(f"Currently at {right / seen:.2%} top-1 accuracy")
    if seen < len(order):
        log.warning("%d of %d crops were left out", len(order) - seen, len(order))
    if not seen:
        raise UserError(f"{folder / 'test.json'}: no crop could be read")
    return right / seen
