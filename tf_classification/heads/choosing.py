"""Which crops to ask an expert about, so that few answers teach much.

First a spread: clusters of what crops look like, of each a typical crop, from locations in turn.
Once there are answers, crops that a head is unsure of, again one of each cluster of them.

Source: typical examples first, then uncertain ones, as G. Hacohen et al., "Active Learning on a
Budget" (2022), found for few and for many answers; the clusters of uncertain ones as F. Zhdanov,
"Diverse mini-batch Active Learning" (2019).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tf_classification.heads.head import Floats, Ints

SPREAD, UNSURE = "spread", "unsure"
_CANDIDATES = 3
"""Times as many crops as are asked for, the least sure ones, of which clusters are made."""

_AXES, _STARTS = 64, 5
"""Of a basis, those that tell most; and trials at clusters, of which the best counts."""

_NEAREST = 4
"""Crops of a cluster that are typical of it; of them one from a location that is rarer so far."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Crops that nobody answered yet.

    Attributes:
        points: (n, K) what they look like, as ``looks`` says it.
        confidences: (n,) of the detector, in [0, 1]: a crop that is none is not worth a question.
        locations: (n,) numbers.
    """

    points: Floats
    confidences: Floats
    locations: Ints


def looks(points: Floats) -> Floats:
    """Return (n, K) what is compared of crops: each axis times its spread, then all of length 1.

    Axes in which crops differ most tell animals apart best: in demo worlds a spread over plain
    points, and all the more over axes that weigh the same, finds crops that teach less.

    Args:
        points: (n, K) of a ``Basis``, the widest axes first.
    """
    wide = points[:, :_AXES] * points[:, :_AXES].std(axis=0)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)


def spread(pool: Pool, number: int, asked: Ints, seed: int) -> npt.NDArray[np.int64]:
    """Choose ``number`` crops all over the pool, those of the largest clusters first.

    Args:
        pool: of crops, at least ``number``.
        number: of crops to choose.
        asked: (m,) numbers of the locations of crops that were answered.
        seed: same seed, same choice.
    """
    places = 1 + max(int(pool.locations.max()), int(asked.max(initial=0)))
    times = np.bincount(asked, minlength=places)
    chosen = []
    # A detector that is unsure of everything still leaves a choice.
    for crops in _clusters(pool.points, pool.confidences + 1e-9, number, seed):
        typical = crops[:_NEAREST]
        best = typical[int(np.argmin(times[pool.locations[typical]]))]
        times[pool.locations[best]] += 1
        chosen.append(best)
    return _filled(chosen, np.arange(len(pool.points)), number)


def unsure(pool: Pool, probabilities: Floats, number: int, seed: int) -> npt.NDArray[np.int64]:
    """Choose ``number`` crops whose two likeliest labels are nearly as likely.

    Args:
        pool: of crops, at least ``number``.
        probabilities: (n, L) what a head says of them.
        number: of crops to choose.
        seed: same seed, same choice.
    """
    ranked = np.sort(probabilities, axis=1)
    doubt = (1 - (ranked[:, -1] - ranked[:, -2])) * pool.confidences
    likely = np.argsort(-doubt, kind="stable")[: _CANDIDATES * number]
    clusters = _clusters(pool.points[likely], doubt[likely] + 1e-9, number, seed)
    return _filled([int(likely[crops[0]]) for crops in clusters], likely, number)


def _filled(chosen: list[int], others: Ints, number: int) -> npt.NDArray[np.int64]:
    """Add others where crops that look the same have made fewer clusters."""
    rest = [int(row) for row in others if row not in set(chosen)]
    return np.array([*chosen, *rest[: number - len(chosen)]], np.int64)


def _clusters(points: Floats, weights: Floats, number: int, seed: int) -> list[Ints]:
    """Make ``number`` clusters, the heaviest first; of each the rows, the most typical first."""
    from sklearn.cluster import KMeans

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of crops that look the same
        found = KMeans(number, n_init=_STARTS, random_state=seed).fit(points, sample_weight=weights)
        away = found.transform(points)[np.arange(len(points)), found.labels_]
    order = np.lexsort((away, found.labels_))
    parts = np.split(order, np.cumsum(np.bincount(found.labels_, minlength=number))[:-1])
    return sorted((p for p in parts if len(p)), key=lambda rows: -weights[rows].sum())
