"""Moves whole locations so that no two sides of a split share anything any more.

Locations that share something go together.  They stay in test if one of them is there; else they
go where most of their crops are, unless a label would lose a split by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class NoRepair(Exception):  # noqa: N818 - it is an answer, not a fault
    """A label that would lose a side if a place moved, by their numbers."""

    def __init__(self, label: int, side: int, place: int) -> None:
        super().__init__(label, side, place)
        self.label, self.side, self.place = label, side, place


def joined(number: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """Return for each of so many places the first of those that links, near or far, join it to."""
    first = list(range(number))

    def find(place: int) -> int:
        while first[place] != place:
            first[place] = first[first[place]]
            place = first[place]
        return place

    for a, b in links:
        low, high = sorted((find(a), find(b)))
        first[high] = low
    return [find(place) for place in range(number)]


def repaired(
    crops: Ints, sides: Sequence[Sequence[int]], groups: Sequence[int], test: int | None
) -> list[int]:
    """Choose one side for each place, the same for all places of a group.

    Args:
        crops: (P, L) crops of each label at each place.
        sides: of each place, one or, by a mistake, several; the lowest number wins ties.
        groups: of each place, as ``joined`` gives them.
        test: the side that nothing may leave; None if it may.

    Returns:
        (P,) sides.

    Raises:
        NoRepair: if a label with crops on a side would have none there.
    """
    number = max(max(its) for its in sides) + 1
    has = np.zeros((number, crops.shape[1]), np.int64)  # places of each label on each side
    for place, its in enumerate(sides):
        has[list(its)] += crops[place] > 0
    wanted = has > 0
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    chosen = [its[0] for its in sides]
    for places in members.values():
        found = {side for place in places for side in sides[place]}
        if len(found) == 1:
            continue
        weight = {s: sum(crops[p].sum() for p in places if s in sides[p]) for s in found}
        allowed = {test} if test in found else found
        for side in sorted(allowed, key=lambda s: (-weight[s], s)):
            after = has.copy()
            for place in places:
                there = crops[place] > 0
                after[list(sides[place])] -= there
                after[side] += there
            if not (lost := np.argwhere(wanted & (after <= 0))).size:
                break
        else:
            lost_side, label = lost[0].tolist()
            raise NoRepair(label, lost_side, places[0])
        has = after
        for place in places:
            chosen[place] = side
    return chosen
