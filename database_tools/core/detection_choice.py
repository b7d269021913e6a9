"""Which boxes of a picture become crops, and in words why none does.

The rule of the README: a picture is used if exactly one box of the wanted category reaches the
threshold.  Boxes of other categories, persons and vehicles, neither count nor are cropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from database_tools.core import reasons
from database_tools.core.detections import CATEGORY_NAMES, LEAST_CONFIDENCE, Detections
from database_tools.core.errors import UserError
from database_tools.core.people import is_people

ANY = "any"

LOWER = 0.2
"""A usual threshold of MegaDetector 5; summaries say how many more pictures it would pass."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which boxes count.

    Attributes:
        categories: ids that count; None for any.
        threshold: least confidence, which counts.
        several: take every box of a picture that has more than one; else leave it out.
        people: ids of people, whom previews hide; empty if they are wanted.
    """

    categories: frozenset[str] | None
    threshold: float
    several: bool = False
    people: frozenset[str] = frozenset()


def choose(found: Detections, rule: Rule) -> Detections | str:
    """Return the boxes to crop, at least one, in the detector's order; or why there is none."""
    if not len(found):  # most pictures of an empty place
        return reasons.NOTHING_DETECTED
    sure = keep = found.at_least(rule.threshold)
    if not np.count_nonzero(sure):
        return _unsure(found)
    if rule.categories is not None:
        keep = sure & np.array([c in rule.categories for c in found.categories], bool)
    number = np.count_nonzero(keep)
    if number == 0:
        return reasons.PEOPLE_ONLY
    if number > 1 and not rule.several:
        return reasons.SEVERAL_DETECTIONS
    return found.select(keep)


def _unsure(found: Detections) -> str:
    """Say why a picture has no box to crop, of which none reaches the threshold."""
    # What no detection file keeps was not found: a build from the file says the same.
    if np.count_nonzero(found.at_least(LEAST_CONFIDENCE)):
        return reasons.BELOW_THRESHOLD
    return reasons.NOTHING_DETECTED


def resolve(wanted: Sequence[str], names: Mapping[str, str] | None) -> frozenset[str] | None:
    """Turn names or ids of categories, as the user says them, into ids; None for ``any``.

    ``names`` are those of a label map or detection file; None means MegaDetector's.

    Raises:
        UserError: if one is not among them, with those that are.
    """
    if ANY in wanted:
        return None
    known = CATEGORY_NAMES if names is None else names
    ids: set[str] = set()
    for word in wanted:
        named = {i for i, name in known.items() if name.casefold() == word.casefold()}
        # A detector without names may have any id; one with names has those.
        if not named and (word in known or (names is None and word.isdecimal())):
            named = {word}
        if not named:
            there = ", ".join(f"{i} ({name})" for i, name in known.items()) or "none"
            raise UserError(
                f"no detection category {word!r}; there are {there}; say --detection_category "
                f"with names or ids of these, or {ANY}"
            )
        ids |= named
    return frozenset(ids)


def people(names: Mapping[str, str] | None, wanted: frozenset[str] | None) -> frozenset[str]:
    """Return the ids of people, unless they or any category are ``wanted``."""
    if wanted is None:
        return frozenset()
    known = CATEGORY_NAMES if names is None else names
    return frozenset(i for i, name in known.items() if is_people(name)) - wanted
