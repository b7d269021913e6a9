"""Small pictures of crops, as text that an HTML page can hold.

Pictures are decoded anew and carry nothing but pixels.  Labels of people are never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from database_tools import imaging
from database_tools.core.people import is_people
from database_tools.pages import confusion, pictures
from tf_classification.data.examples import Examples
from tf_classification.evaluation.judgement import Predictions

SIDE = 224  # pixels of the longer side: enlarged, it is what most networks see
MOST_PICTURES = 600  # in one page: about 7 MB
MOST_IN_A_ROW = 8
_WRONG = 2 / 3  # of the pictures at most


@dataclass(frozen=True)
class Thumbnail:
    """One crop: its picture as a ``data:`` address, its name, and the numbers of its labels."""

    source: str
    key: str
    true: int
    taken: int
    confidence: float


@dataclass(frozen=True)
class Grid:
    """Crops that were taken for one label.

    Attributes:
        taken: number of the label.
        wrong: mistakes, the surest first.
        right: right ones, the least sure first.
    """

    taken: int
    wrong: tuple[Thumbnail, ...]
    right: tuple[Thumbnail, ...]


def by_prediction(
    examples: Examples, found: Predictions, label_names: Sequence[str], most: int = MOST_PICTURES
) -> list[Grid]:
    """Choose and read crops, one grid for each label that some were taken for, in label order."""
    hidden = np.array([is_people(name) for name in label_names])
    visible = ~(hidden[found.labels] | hidden[found.predicted])
    chosen = choose(found, visible, most, confusion.shown(found.confusion(len(label_names))))
    encoded = examples.reader(found.rows[chosen])
    thumbnails = [
        Thumbnail(
            thumbnail(content),
            str(found.keys[i]),
            int(found.labels[i]),
            int(found.predicted[i]),
            float(found.confidences[i]),
        )
        for i, content in zip(chosen, encoded, strict=True)
    ]
    grids = []
    for taken in sorted({t.taken for t in thumbnails}):
        mine = sorted((t for t in thumbnails if t.taken == taken), key=lambda t: -t.confidence)
        wrong = tuple(t for t in mine if t.true != taken)
        grids.append(Grid(taken, wrong, tuple(t for t in mine[::-1] if t.true == taken)))
    return grids


def choose(
    found: Predictions,
    visible: npt.NDArray[np.bool_],
    most: int,
    first: npt.NDArray[np.integer] | Sequence[int] = (),
) -> npt.NDArray[np.int64]:
    """Choose crops to show: mistakes of every kind, and the surest and least sure right ones.

    One of each kind comes before a second of any, kinds among the labels ``first`` before
    others, then the commonest.

    Returns:
        (n,) places in ``found``, at most ``most``.
    """
    wrong = np.flatnonzero(~found.right & visible)
    kinds = found.labels[wrong].astype(np.int64) << 32 | found.predicted[wrong]
    _, kind, times = np.unique(kinds, return_inverse=True, return_counts=True)
    rank = _ranks(kind, found.confidences[wrong])
    others = ~(np.isin(found.labels[wrong], first) & np.isin(found.predicted[wrong], first))
    order = np.lexsort((-times[kind], others, rank))
    order = order[rank[order] < MOST_IN_A_ROW][: int(most * _WRONG)]

    right = np.flatnonzero(found.right & visible)
    labels, sure = found.labels[right], found.confidences[right]
    turn = np.minimum(2 * _ranks(labels, sure), 2 * _ranks(labels, -sure) + 1)
    rest = np.argsort(turn, kind="stable")
    rest = rest[turn[rest] < MOST_IN_A_ROW][: most - len(order)]
    return np.concatenate([wrong[order], right[rest]])


def _ranks(
    groups: npt.NDArray[np.integer], scores: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """Return the place of each within its group, from 0 for the highest score."""
    order = np.lexsort((-scores, groups))
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    return ranks


def of_label(
    examples: Examples, found: Predictions, label_names: Sequence[str], label: int, each: int = 8
) -> dict[str, list[Image.Image]]:
    """Read crops of one true label, grouped by what they were taken for, the surest first."""
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
    return pictures.address(small(encoded))
