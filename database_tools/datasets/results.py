"""What was found in each picture of a build: in a detection file, else in the detector's store."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from database_tools.core import reasons
from database_tools.core.boxes import Boxes
from database_tools.core.detection_choice import Rule, choose
from database_tools.core.detections import Detections, Failure, Found
from database_tools.core.people import MAYBE
from database_tools.datasets.plan import Plan
from database_tools.detections.detection_files import Picture
from database_tools.detections.passing import Pass
from database_tools.detectors.precomputed import Precomputed

_ELSEWHERE = -1

_FAILURES = reasons.READING | {reasons.DETECTOR_FAILED, reasons.NOT_FINITE}
"""Ours; the words of other tools are many."""


class Results:
    """Results by the position of a picture; no detection file tells of those ``waiting``."""

    def __init__(self, plan: Plan, file: Precomputed | None, file_rule: Rule | None) -> None:
        self._plan, self._file, self._file_rule = plan, file, file_rule
        self._pass: Pass | None = None
        self._pass_rule: Rule | None = None
        self._rows = array("q", self._rows_in_file())
        self.waiting = array("q", (i for i in range(len(plan)) if self._is_waiting(i)))
        self._places = array("q", [_ELSEWHERE]) * len(plan)
        for place, image in enumerate(self.waiting):
            self._places[image] = place

    def use(self, work: Pass, rule: Rule) -> None:
        """Take the results of ``waiting`` from a pass, whose pictures are in that order."""
        self._pass, self._pass_rule = work, rule

    def names(self) -> list[str]:
        """Name what is ``waiting``, for the detection pass."""
        return [self._plan.name(i) for i in self.waiting]

    def choose(self, image: int) -> Detections | Failure | str:
        """Return the boxes to crop, why there are none, or why the picture was not looked at."""
        found, rule = self._found(image), self._rule(image)
        if found is None:
            return reasons.NOT_IN_DETECTION_FILE
        if rule is None:  # no detector is there to look at what a file calls a failure
            if isinstance(found, Failure) and found.reason in _FAILURES:
                return found.reason
            return reasons.FAILURE_IN_DETECTION_FILE
        return choose(found, rule) if isinstance(found, Detections) else found

    def would_pass(self, images: Iterable[int], threshold: float) -> int:
        """Count the pictures, of some that were looked at, that a lower threshold would pass."""
        lower = {
            rule: replace(rule, threshold=threshold)
            for rule in (self._file_rule, self._pass_rule)
            if rule is not None
        }
        count = 0
        for image in images:
            found, rule = self._found(image), self._rule(image)
            if rule is not None and isinstance(found, Detections):
                count += isinstance(choose(found, lower[rule]), Detections)
        return count

    def people(self, image: int) -> Boxes:
        """Return the boxes of people, whom a preview must hide, however unsure: (N, 4)."""
        found, rule = self._found(image), self._rule(image)
        if rule is None or not isinstance(found, Detections):
            return np.zeros((0, 4))
        hidden = [category in rule.people for category in found.categories]
        return found.boxes[np.array(hidden, np.bool_) & found.at_least(MAYBE)]

    def everything(self) -> Iterator[tuple[Picture, Found]]:
        """Yield all that is known, of pictures that the plan leaves out too, in their order."""
        for image, number in enumerate(self._plan.annotations.ids):
            found = self._found(image)
            if found is not None:
                yield Picture(number, self._plan.annotations.files[image]), found

    def shown(self, image: int) -> Detections | None:
        """Return the boxes to show of a picture that gave no crop, however unsure; not of people.

        None where no detector looked at it, so that nobody knows whether there are people in it.
        """
        found, rule = self._found(image), self._rule(image)
        if rule is None or not isinstance(found, Detections):
            return None
        others = [category not in rule.people for category in found.categories]
        return found.select(np.array(others, np.bool_) & found.at_least(MAYBE))

    def _is_waiting(self, image: int) -> bool:
        if self._plan.reasons[image]:
            return False
        row = self._rows[image]
        return self._file is None or row == _ELSEWHERE or self._file.is_failure(row)

    def _rule(self, image: int) -> Rule | None:
        return self._file_rule if self._places[image] == _ELSEWHERE else self._pass_rule

    def _found(self, image: int) -> Found | None:
        if self._pass is not None and self._places[image] != _ELSEWHERE:
            return self._pass[self._places[image]]
        return self._in_file(image)

    def _in_file(self, image: int) -> Found | None:
        row = self._rows[image]
        return None if self._file is None or row == _ELSEWHERE else self._file.found(row)

    def _rows_in_file(self) -> Iterator[int]:
        """Yield where the file has each picture: looked up once, as it is asked for often."""
        table = self._plan.annotations
        for image, name in zip(table.ids, table.files, strict=True):
            row = None if self._file is None else self._file.row(image, name)
            yield _ELSEWHERE if row is None else row
