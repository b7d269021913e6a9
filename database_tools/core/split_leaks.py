"""What two sides of a split must not share, as arithmetic on rows of crops.

A side is a number, from 0 for train; -1 for a crop of no split.  A group is a number too, and -1
for a crop of none: those of one sequence, those whose bytes are equal, those of one burst.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_SECONDS, _NUMBERS = 5, 5
"""How far apart, at most, the times and the files' numbers of neighbours in a burst are."""

_PARTS = re.compile(r"\d+|[^\W\d_]+|[.+]|(?<![^\W_])-(?=\d)")
_LAST_NUMBER = re.compile(r"(.*?)(\d{1,15})(\D*)", re.DOTALL)


def crossing(groups: Ints, sides: Ints) -> list[tuple[int, int]]:
    """Return pairs of rows of one group on two sides: of each group one for each side but one."""
    inside = np.flatnonzero((groups >= 0) & (sides >= 0))
    order = inside[np.lexsort((inside, sides[inside], groups[inside]))]
    next_side = np.diff(sides[order], prepend=-1) != 0
    same_group = np.diff(groups[order], prepend=-1) == 0
    first = np.flatnonzero(next_side | ~same_group)  # of each group and side
    at = first[1:][same_group[first[1:]]]
    before = first[np.searchsorted(first, at) - 1]
    return list(zip(order[before].tolist(), order[at].tolist(), strict=True))


def plain_name(location: str) -> str:
    """Return what two spellings of one place have in common: "Site_07" and "site 7" are "site 7".

    Letters in any case, numbers without leading zeros; "1-1" is not 11, nor is -5 5.
    """
    parts = _PARTS.findall(location.casefold())
    return " ".join(part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)


def bursts(files: Sequence[str], times: npt.NDArray[np.float64]) -> Ints:
    """Group pictures that one release of a camera took, as far as names and times tell.

    Args:
        files: with their folders and what keeps cameras apart; the last number in a name counts.
        times: in seconds; NaN where nobody knows.

    Returns:
        (n,) the group of each: neighbours have names that differ in their number only, by at most
        5, and times at most 5 s apart.
    """
    split = [_LAST_NUMBER.fullmatch(file) for file in files]
    starts = numbered(
        f"{m[1]}\0{m[3]}" if m else file for m, file in zip(split, files, strict=True)
    )
    numbers = np.array([int(m[2]) if m else 0 for m in split], np.int64)
    known = np.flatnonzero(np.isfinite(times))
    order = known[np.lexsort((numbers[known], starts[known]))]
    apart = np.diff(starts[order], prepend=-1) != 0
    apart |= np.diff(numbers[order], prepend=0) > _NUMBERS
    apart |= np.abs(np.diff(times[order], prepend=0)) > _SECONDS
    groups = np.full(len(files), -1, np.int64)
    groups[order] = np.cumsum(apart)
    return groups


def numbered(names: Iterable[str | None]) -> Ints:
    """Number distinct names in the order in which they come; None is -1."""
    seen: dict[str, int] = {}
    found = (-1 if name is None else seen.setdefault(name, len(seen)) for name in names)
    return np.fromiter(found, np.int64)
