"""The arithmetic of a plan: from what a sample cost to what all pictures will.

A stage's cost is a line: it starts (Python, TensorFlow, a model), and then each picture or crop
costs the same.  Runs of different length, after a first one that bears what is done once in a
process, give the line::

    each  = (last - few) / (all - few)
    start = first - few * each

The first counts from the start of the process, the others while they go through items only: to
open a model takes as long as many crops, and never twice the same, and what closes a stage (a
preview, a report) grows in a sample, but not beyond.  The last one's closing counts as start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import intervals

Floats = npt.NDArray[np.float64]

CPU, WALL, DISK = range(3)

FIRST, FEW, ALL, WIDE = "first", "few", "all", "wide"
"""A stage's runs: the first in a process is with few items, too; the last is with all of them, on
two cores."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its 95 % interval, from the sample; both ends are it where none is known."""

    value: float
    low: float
    high: float

    @classmethod
    def sure(cls, value: float) -> Figure:
        """Return a number that is known."""
        return cls(value, value, value)

    def to(self, found: Callable[[float], float]) -> Figure:
        """Return what is found from it, which grows with it."""
        return Figure(*map(found, (self.value, self.low, self.high)))

    def __add__(self, other: Figure) -> Figure:
        """Add a figure of the same sample: the ends come together, as all hang on the crops."""
        return Figure(self.value + other.value, self.low + other.low, self.high + other.high)


@dataclass(frozen=True, eq=False)
class Run:
    """What a run took.

    Attributes:
        items: that it went through.
        seconds: (3, 2) before the first item, while it went through them, and after the last one;
            of processors, all threads together, and of the clock.
        disk: bytes that it left.
        peak: bytes of memory, the most that its process had had by then.
    """

    items: int
    seconds: Floats
    disk: int
    peak: int


@dataclass(frozen=True, eq=False)
class Cost:
    """What a stage costs: ``start + each * items``, of (CPU, WALL, DISK) in seconds and bytes.

    Attributes:
        start: (3,) of the whole run.
        each: (3,) of a picture or crop.
        peak: bytes of memory on one core.
        further: bytes that each further core takes.
    """

    start: Floats
    each: Floats
    peak: int
    further: int = 0

    @classmethod
    def of(cls, runs: Mapping[str, Run]) -> Cost:
        """Draw the line through three runs, see the module; without few the first counts twice.

        Nothing is below 0, whatever a busy machine measured.
        """
        first, last = runs[FIRST], runs[ALL]
        few, wide = runs.get(FEW, first), runs.get(WIDE, last)
        grown = np.append(last.seconds[1] - few.seconds[1], last.disk - few.disk)
        each = np.maximum(0, grown / (last.items - few.items))
        once = np.append(first.seconds[:2].sum(axis=0) + last.seconds[2], first.disk)
        start = np.maximum(0, once - first.items * each)
        return cls(start, each, last.peak, wide.peak - last.peak)


def scaled(counts: Sequence[int], pictures: int, seed: int = 0) -> Figure:
    """Say how many crops all pictures have, from the crops of each in a random sample.

    The interval draws pictures, as the sample did; of a folder of which all were looked at, it is
    the number itself.
    """
    found = np.asarray(counts, np.float64)
    mean = float(found.mean())
    if len(found) == pictures:
        return Figure.sure(pictures * mean)
    drawn = intervals.draws(len(found), seed=seed) @ found / len(found)
    low, high = (float(end) for end in intervals.interval(drawn, len(found)))
    ends = (mean, mean) if np.isnan(low) else (low, high)
    return Figure(mean, *ends).to(lambda share: pictures * share)
