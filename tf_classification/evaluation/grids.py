"""Small pictures of crops, as text that an HTML page can hold.

Pictures are decoded anew and carry nothing but pixels.  Labels of people are never shown.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from database_tools import imaging
from tf_classification.data.examples import Examples
from tf_classification.evaluation.judgement import Predictions

SIDE = 112  # pixels of the longer side
MOST_PICTURES = 480  # in one page: about 2 MB
MOST_IN_A_ROW = 8
PEOPLE = frozenset({"human", "humans", "person", "persons", "people", "homo sapiens"})


@dataclass(frozen=True)
class Thumbnail:
    """One crop.

    Attributes:
        source: ``data:image/jpeg;base64,...``.
        key: name of the crop.
        label: its true label.
        confidence: probability of the predicted label.
    """

    source: str
    key: str
    label: str
    confidence: float


@dataclass(frozen=True)
class Grid:
    """Crops that were taken for one label.

    Attributes:
        predicted: the label.
        right: the surest right ones.
        wrong: the surest wrong ones.
        unsure: the least sure ones, right or wrong.
    """

    predicted: str
    right: tuple[Thumbnail, ...]
    wrong: tuple[Thumbnail, ...]
    unsure: tuple[Thumbnail, ...]


def is_people(label: str) -> bool:
    """Tell whether a label names people."""
    return label.lower().replace("_", " ") in PEOPLE


def by_prediction(
    examples: Examples, found: Predictions, label_names: Sequence[str], most: int = MOST_PICTURES
) -> list[Grid]:
    """Choose and read crops for each predicted label.

    Args:
        examples: the split.
        found: what its crops were taken for.
        label_names: C names.
        most: number of pictures in all.

    Returns:
        One grid for each label that is predicted, in label order; with more than ``most`` / 3
        of them, for those predicted most often.
    """
    times = np.bincount(found.predicted, minlength=len(label_names))
    commonest = np.argsort(-times, kind="stable")[: max(most // 3, 1)]
    shown = [int(i) for i in np.sort(commonest) if times[i]]
    each = min(max(most // (3 * max(len(shown), 1)), 1), MOST_IN_A_ROW)
    hidden = np.array([is_people(name) for name in label_names])[found.labels]

    def thumbnails(chosen: npt.NDArray[np.int64]) -> tuple[Thumbnail, ...]:
        encoded = examples.reader(found.rows[chosen])
        return tuple(
            Thumbnail(
                thumbnail(content),
                str(found.keys[i]),
                label_names[found.labels[i]],
                float(found.confidences[i]),
            )
            for i, content in zip(chosen, encoded, strict=True)
        )

    grids = []
    for i in shown:
        if is_people(label_names[i]):
            continue
        mine = np.flatnonzero((found.predicted == i) & ~hidden)
        surest = mine[np.argsort(-found.confidences[mine], kind="stable")]
        right, wrong = surest[found.right[surest]], surest[~found.right[surest]]
        unsure = np.setdiff1d(surest, np.concatenate([right[:each], wrong[:each]]))
        unsure = unsure[np.argsort(found.confidences[unsure], kind="stable")]
        parts = (thumbnails(rows[:each]) for rows in (right, wrong, unsure))
        grids.append(Grid(label_names[i], *parts))
    return grids


def of_label(
    examples: Examples, found: Predictions, label_names: Sequence[str], label: int, each: int = 8
) -> dict[str, list[Image.Image]]:
    """Read crops of one true label, grouped by what they were taken for, the surest first.

    Args:
        examples: the split.
        found: what its crops were taken for.
        label_names: C names.
        label: number of the true label.
        each: number of pictures for each predicted label.
    """
    groups = {}
    for i, name in enumerate(label_names):
        mine = np.flatnonzero((found.labels == label) & (found.predicted == i))
        surest = mine[np.argsort(-found.confidences[mine], kind="stable")][:each]
        if len(surest):
            groups[name] = [small(content) for content in examples.reader(found.rows[surest])]
    return groups


def small(encoded: bytes) -> Image.Image:
    """Decode a picture and shrink it to ``SIDE``."""
    image = Image.fromarray(imaging.load(encoded))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image


def thumbnail(encoded: bytes) -> str:
    """Write a small JPEG as a ``data:`` address."""
    return address(small(encoded))


def address(image: Image.Image) -> str:
    """Write a picture as a JPEG in a ``data:`` address."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=72)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
