"""Which boxes of a picture become crops: what a detector found, or what people drew.

Boxes count if they are of a wanted category, which is "animal" unless somebody asks for another,
and sure enough.  A crop is called by its box's place in the picture's list, so boxes that are
skipped, those of categories without a name too, keep their places.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from database_tools.core import reasons
from database_tools.core.detections import LEAST_CONFIDENCE
from database_tools.core.errors import UserError
from database_tools.core.names import crop_names
from database_tools.formats import megadetector_json
from database_tools.formats.megadetector_json import Header, Image
from database_tools.formats.queried_images import QueriedImage

ANIMALS = ("animal",)
SURE = 1.0
"""Confidence of a box that somebody drew."""

_OURS = reasons.READING | {reasons.DETECTOR_FAILED, reasons.NOT_FINITE}
_OF_VIDEOS = "frame_number"


@dataclass(frozen=True, slots=True)
class Rule:
    """Which boxes count: from a confidence on, unless they are drawn, of categories in any case."""

    threshold: float
    categories: Sequence[str] = ANIMALS

    def wants(self, category: str | None) -> bool:
        """Say whether boxes of a category count; one without a name never does."""
        if category is None or category in self.categories:  # nearly always
            return category is not None
        return category.casefold() in map(str.casefold, self.categories)


class Wanted(NamedTuple):
    """The boxes of one picture that become crops, at least one, and their places in its list.

    ``version`` is the detector's, None for boxes that somebody drew.
    """

    picture: str
    numbers: tuple[int, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    confidences: tuple[float, ...]
    version: str | None

    @property
    def crops(self) -> tuple[str, ...]:
        """Names of the crops, relative to their folder."""
        return crop_names(self.picture, self.numbers, self.version)


def check_categories(path: Path, header: Header, rule: Rule) -> None:
    """Raise UserError if a file has no category whose boxes are wanted."""
    there = header.detection_categories.values()
    if not any(map(rule.wants, there)):
        wanted_names, known = " ".join(rule.categories), ", ".join(there) or "none"
        rule_text = f"no category {wanted_names}; there are {known}; say --detection_category"
        raise UserError(f"{path}: {rule_text}")


def of_found(
    picture: str, image: Image, names: Mapping[str, str], rule: Rule, version: str
) -> Wanted | str:
    """Choose among what a detector found, or say why nothing is chosen."""
    if image.boxes is None:
        reason = megadetector_json.failure_reason(image.failure or "")
        return reason if reason in _OURS else reasons.FAILURE_IN_DETECTION_FILE
    least = _least(rule.threshold)
    chosen, is_sure = [], False
    for i, (category, conf, bbox, _, extra) in enumerate(image.boxes):
        if _OF_VIDEOS in extra:
            return reasons.VIDEO
        if conf >= least:
            is_sure = True
            if rule.wants(names.get(category)):
                chosen.append((i, bbox, conf))
    if chosen:
        numbers, rows, scores = zip(*chosen, strict=True)
        return Wanted(picture, numbers, rows, scores, version)
    if is_sure:
        return reasons.PEOPLE_ONLY
    found = any(box.conf >= LEAST_CONFIDENCE for box in image.boxes)
    return reasons.BELOW_THRESHOLD if found else reasons.NOTHING_DETECTED


@functools.lru_cache
def _least(threshold: float) -> float:
    """Return the least number that reaches a threshold as a detector computes: in float32.

    Its 0.7 is 0.69999999.
    """
    rounded = np.float32(threshold)
    middle = (float(rounded) + float(np.nextafter(rounded, np.float32(-np.inf)))) / 2
    return middle if np.float32(middle) >= rounded else float(np.nextafter(middle, np.inf))


def of_drawn(image: QueriedImage, rule: Rule) -> Wanted | str:
    """Choose among boxes that people drew, of which no threshold holds; or say why none is."""
    drawn = image.boxes or ()
    chosen = tuple(i for i, box in enumerate(drawn) if rule.wants(box.category))
    if not chosen:
        return reasons.PEOPLE_ONLY if drawn else reasons.NOTHING_DETECTED
    rows = tuple(drawn[i].box for i in chosen)
    return Wanted(image.name, chosen, rows, (SURE,) * len(chosen), None)
