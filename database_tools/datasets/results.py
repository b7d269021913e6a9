"""What was found in each picture of a build: in a detection file, else in the detector's log."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np

from database_tools.core.boxes import Boxes
from database_tools.core.detection_choice import Rule, choose
from database_tools.core.detections import Detections, Failure, Found
from database_tools.datasets.plan import Plan
from database_tools.detections.detecting import Picture
from database_tools.detections.detection_log import DetectionLog
from database_tools.detectors.precomputed import Precomputed

_ELSEWHERE = -1

_MAYBE = 0.1
"""Score from which a box of a person is hidden."""


class Results:
    """Results by the position of a picture in the plan.

    Attributes:
        waiting: positions of pictures that no detection file tells of, for the detector.
    """

    def __init__(self, plan: Plan, file: Precomputed | None, file_rule: Rule | None) -> None:
        self._plan, self._file, self._file_rule = plan, file, file_rule
        self._log: DetectionLog | None = None
        self._log_rule: Rule | None = None
        self.waiting = array("q", (i for i in range(len(plan)) if self._is_waiting(i)))
        self._places = array("q", [_ELSEWHERE]) * len(plan)
        for place, image in enumerate(self.waiting):
            self._places[image] = place

    def use(self, log: DetectionLog, rule: Rule) -> None:
        """Take the results of ``waiting`` from a log, whose pictures are in that order."""
        self._log, self._log_rule = log, rule

    def pictures(self) -> list[Picture]:
        """List what is ``waiting``, for the detection pass."""
        ids = self._plan.annotations.ids
        return [Picture(ids[i], self._plan.name(i)) for i in self.waiting]

    def choose(self, image: int) -> Detections | Failure | str:
        """Return the boxes to crop, why there are none, or why the picture was not looked at."""
        found, rule = self._found(image), self._rule(image)
        if rule is None or found is None:
            return f"{'not' if found is None else 'failure'} in the detection file"
        return found if isinstance(found, Failure) else choose(found, rule)

    def people(self, image: int) -> Boxes:
        """Return the boxes of people, whom a preview must hide, however unsure: (N, 4)."""
        found, rule = self._found(image), self._rule(image)
        if rule is None or not isinstance(found, Detections):
            return np.zeros((0, 4))
        hidden = [category in rule.people for category in found.categories]
        return found.boxes[np.array(hidden, np.bool_) & found.at_least(_MAYBE)]

    def everything(self) -> Iterator[tuple[Picture, Found]]:
        """Yield all that is known, of pictures that the plan leaves out too, in their order.

        What a detection file calls a failure is not known.
        """
        for image, number in enumerate(self._plan.annotations.ids):
            found = self._found(image)
            if isinstance(found, Detections) or (found is not None and self._is_logged(image)):
                yield Picture(number, self._plan.annotations.files[image]), found

    def _is_waiting(self, image: int) -> bool:
        return not (self._plan.reasons[image] or isinstance(self._in_file(image), Detections))

    def _is_logged(self, image: int) -> bool:
        return self._log is not None and self._places[image] != _ELSEWHERE

    def _rule(self, image: int) -> Rule | None:
        return self._file_rule if self._places[image] == _ELSEWHERE else self._log_rule

    def _found(self, image: int) -> Found | None:
        if self._log is not None and self._is_logged(image):
            return self._log[self._places[image]]
        return self._in_file(image)

    def _in_file(self, image: int) -> Found | None:
        if self._file is None:
            return None
        table = self._plan.annotations
        return self._file.find(table.ids[image], table.files[image])
