"""The pictures that a classifier is surest of, and those on which it fails worst.

For each label and split: true positives by how far the label is ahead of the second likeliest;
false positives (of the predicted label) and false negatives (of the true one) by how far the
wrong label is ahead of the right one.  Only row numbers are kept in memory, k for each label
and kind; the pictures are read again when they are shown.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from PIL import Image

from database_tools import imaging

KINDS = ("tp", "fp", "fn")
_SIDE = 128  # pixels of a picture in a grid


class Extremes:
    """Row numbers of the k extreme examples of each label and kind, of one pass over a split."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._heaps: dict[tuple[int, str], list[tuple[float, int]]] = defaultdict(list)

    def add(self, outcome: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take in a batch; see ``Step._count`` for what an outcome holds."""
        right = outcome["label"] == outcome["predicted"]
        lead = outcome["p_best"] - np.where(right, outcome["p_second"], outcome["p_label"])
        for i in np.flatnonzero(outcome["weight"] > 0):
            row, label, predicted = (int(outcome[x][i]) for x in ("index", "label", "predicted"))
            if right[i]:
                self._keep((label, "tp"), float(lead[i]), row)
            else:
                self._keep((predicted, "fp"), float(lead[i]), row)
                self._keep((label, "fn"), float(lead[i]), row)

    def _keep(self, place: tuple[int, str], lead: float, row: int) -> None:
        heap = self._heaps[place]
        there = next((i for i, (_, known) in enumerate(heap) if known == -row), None)
        if there is not None:  # drawn more than once in an epoch, and changed otherwise each time
            heap[there] = max(heap[there], (lead, -row))
            heapq.heapify(heap)
        elif len(heap) < self._k:
            heapq.heappush(heap, (lead, -row))
        else:
            heapq.heappushpop(heap, (lead, -row))

    def __iter__(self) -> Iterator[tuple[int, str, list[int]]]:
        """Give (label, kind, rows with the most extreme first)."""
        for (label, kind), heap in sorted(self._heaps.items()):
            yield label, kind, [-row for _, row in sorted(heap, reverse=True)]


class CollectExtremes(keras.callbacks.Callback):
    """Collects the extremes of each split of an epoch in ``by_split``."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self._k = k
        self.by_split: dict[str, Extremes] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Forget the last epoch."""
        self.by_split = {}

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take in a batch."""
        extremes = self.by_split.setdefault(logs["split"], Extremes(self._k))
        for outcome in logs["outcomes"]:
            extremes.add(outcome)

    on_test_batch_end = on_train_batch_end


def grid(
    rows: list[int], reader: Callable[[npt.NDArray[np.int64]], list[bytes]]
) -> npt.NDArray[np.uint8]:
    """Put the pictures of these rows side by side, (128, 128 · n, 3) uint8."""
    tiles = [_tile(encoded) for encoded in reader(np.array(rows, np.int64))]
    return np.concatenate(tiles, axis=1)


def _tile(encoded: bytes) -> npt.NDArray[np.uint8]:
    tile = Image.new("RGB", (_SIDE, _SIDE))
    try:
        picture = imaging.open_upright(encoded)
    except imaging.UnreadableImage:
        return np.asarray(tile)
    picture.thumbnail((_SIDE, _SIDE))
    tile.paste(picture)
    return np.asarray(tile)
