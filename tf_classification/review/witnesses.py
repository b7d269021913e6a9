"""Crops that should have the same label: of one burst, or that look the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core import split_leaks
from database_tools.core.near_duplicates import Index
from database_tools.core.split_repair import joined
from database_tools.datasets import looks, shots
from database_tools.datasets.shots import Shot
from database_tools.imaging import perceptual

Ints = npt.NDArray[np.int64]


def bursts(pictures: Sequence[str], db: Path | None, annotations: Path | None) -> Ints:
    """Number the bursts of crops, -1 for none: sequences, or neighbours by name and time."""
    wanted = set(pictures)
    if db is not None:
        shot_of = dict(shots.of_database(db, wanted))
    elif annotations is not None:
        shot_of = dict(shots.of_annotations(annotations, wanted))
    else:
        return np.full(len(pictures), -1)
    taken = [shot_of.get(name, Shot(None, math.nan)) for name in pictures]
    named = split_leaks.numbered(
        None if shot.sequence is None else f"{name.partition('/')[0]}/{shot.sequence}"
        for name, shot in zip(pictures, taken, strict=True)
    )
    timed = split_leaks.bursts(pictures, np.array([shot.time for shot in taken], np.float64))
    later = np.where(timed < 0, -1, timed + named.max(initial=-1) + 1)
    return np.where(named < 0, later, named)


def duplicates(
    folder: Path,
    names: Sequence[str],
    labels: npt.NDArray[np.integer],
    workers: int,
    progress: looks.Progress,
) -> Ints:
    """Find for each of n crops below a folder one that looks the same and has another label.

    Returns:
        (n,) positions; -1 where there is none, or the crop cannot be read.
    """
    kept, _ = looks.take([(folder, name) for name in names], workers, progress)
    place = {name: i for i, name in enumerate(names)}
    rows = np.array([place[name] for name in kept.names], np.int64)
    found = np.full(len(names), -1, np.int64)
    for label in np.unique(labels[rows]):
        own = labels[rows] == label
        others = np.flatnonzero(~own)
        mine = np.flatnonzero(own)
        near, _ = looks.nearest(Index(kept.hashes[others]), kept.hashes[mine], perceptual.NEAR)
        for i in np.flatnonzero(near >= 0):
            first, second = int(rows[mine[i]]), int(rows[others[near[i]]])
            if looks.alike(folder, names[first], names[second]):
                found[first] = second
    return found


def groups(of_bursts: Ints, twins: Ints) -> Ints:
    """Number what should have one label: (n,), those of a burst and those that look the same."""
    first: dict[int, int] = {}
    links = [(i, first.setdefault(b, i)) for i, b in enumerate(of_bursts.tolist()) if b >= 0]
    links += [(i, twin) for i, twin in enumerate(twins.tolist()) if twin >= 0]
    return np.array(joined(len(of_bursts), links), np.int64)
