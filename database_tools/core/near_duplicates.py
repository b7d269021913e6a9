"""Finds the nearest of many perceptual hashes without comparing all pairs.

A copy keeps two neighbouring bytes of the first ten, the lowest frequencies, as they are, nearly
always; so only pictures that share such two are compared, in all bits.

Source: multi-index hashing of Norouzi, Punjani and Fleet (2012).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_BANDS = 9
_AT_ONCE = 1 << 19  # pairs held in memory together: some 50 MB


class Index:
    """Hashes, sorted by each two of their first bytes; one without any bit is like no other."""

    def __init__(self, hashes: Hashes) -> None:
        """Sort (B, variants, bytes) hashes: several of each picture."""
        variants = hashes.shape[1]
        flat = hashes.reshape(-1, hashes.shape[2])
        rows = np.flatnonzero(flat.any(axis=1))
        self._owners = rows // variants
        self._wide = _wide(flat[rows])
        keys = [_key(flat[rows], band) for band in range(_BANDS)]
        # A stable sort of 16-bit numbers is a radix sort.
        self._orders = [np.argsort(key, kind="stable").astype(np.int32) for key in keys]
        self._sorted = [key[order] for key, order in zip(keys, self._orders, strict=True)]

    def nearest(self, hashes: Hashes, most: int) -> tuple[Ints, Ints]:
        """Return for each picture its nearest of the index, and how many bits differ.

        Args:
            hashes: (Q, variants, bytes), any of which may be like any of the index.
            most: bits that may differ.

        Returns:
            (Q,) its position in the index, -1 for none that is near; (Q,) the bits.
        """
        number, variants = hashes.shape[:2]
        flat = hashes.reshape(number * variants, hashes.shape[2])
        wide = _wide(flat)
        nothing = (most + 1) << 40
        best = np.full(number, nothing, np.int64)
        for band in range(_BANDS):
            for queries, found in self._sharing(flat, band):
                bits = np.bitwise_count(wide[queries] ^ self._wide[found]).sum(1, dtype=np.int64)
                np.minimum.at(best, queries // variants, (bits << 40) + self._owners[found])
        positions = np.where(best < nothing, best & ((1 << 40) - 1), -1)
        return positions, best >> 40

    def _sharing(self, flat: Hashes, band: int) -> Iterator[tuple[Ints, Ints]]:
        """Yield (queries, rows of the index) that have the same two bytes, some at a time."""
        rows = np.flatnonzero(flat.any(axis=1))
        wanted = _key(flat[rows], band)
        start = np.searchsorted(self._sorted[band], wanted, "left")
        number = np.searchsorted(self._sorted[band], wanted, "right") - start
        ends = np.cumsum(number)
        total = int(ends[-1]) if len(ends) else 0
        for first in range(0, total, _AT_ONCE):
            pair = np.arange(first, min(first + _AT_ONCE, total))
            query = np.searchsorted(ends, pair, "right")
            inside = pair - (ends[query] - number[query])
            yield rows[query], self._orders[band][start[query] + inside]


def _key(flat: Hashes, band: int) -> npt.NDArray[np.uint16]:
    return np.asarray((flat[:, band].astype(np.uint16) << 8) | flat[:, band + 1])


def _wide(flat: Hashes) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(flat).view(np.uint64)
