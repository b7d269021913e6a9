"""Several entries of one picture in a list of annotations: their order never decides.

One entry that says something speaks for those that say nothing; entries that say different things
are all left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from database_tools.core import reasons, splits
from database_tools.core.annotations import UNLABELED, Location


def settle(
    names: Sequence[str | None], classes: Sequence[int], locations: Sequence[Location | None]
) -> tuple[list[Location | None], dict[int, str]]:
    """Settle what a list says of each picture.

    Args:
        names: of the pictures; None counts as no picture.
        classes: class id of each entry, UNLABELED or SEVERAL.
        locations: None for none.

    Returns:
        The locations, which one entry of a picture tells the others; and for each entry that is
        left out for this, why: all but one of those that agree, or all of those that do not.
    """
    filled, left_out = list(locations), {}
    for group in _groups(names):
        labels = {classes[i] for i in group} - {UNLABELED}
        places = {splits.text(place): place for i in group if (place := filled[i]) is not None}
        if len(places) == 1:
            for i in group:
                filled[i] = next(iter(places.values()))
        contradiction = reasons.SEVERAL_LOCATIONS if len(places) > 1 else None
        if len(labels) > 1:
            contradiction = reasons.SEVERAL_CATEGORIES
        kept = next((i for i in group if classes[i] in labels), group[0])
        for i in group:
            if contradiction or i != kept:
                left_out[i] = contradiction or reasons.LISTED_BEFORE
    return filled, left_out


def _groups(names: Sequence[str | None]) -> Iterable[list[int]]:
    """Return the entries of each picture that has several."""
    seen: set[str] = set()
    groups: dict[str | None, list[int]] = {}
    for name in names:
        if name in seen:
            groups[name] = []
        elif name is not None:
            seen.add(name)
    if groups:
        for i, name in enumerate(names):
            if name in groups:
                groups[name].append(i)
    return groups.values()
