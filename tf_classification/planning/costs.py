"""The arithmetic of a plan: from what a sample cost to what all pictures will.

A stage's cost is a line: it starts (Python, TensorFlow, a model), and then each picture or crop
costs the same.  Two runs of different length, after a first one that bears what is done once in a
process, give the line::

    each  = (third - second) / (all - few)
    start = first - few * each

The first counts from the start of the process, the others while they go through items only: to
open a model takes as long as many crops, and never twice the same, and what closes a stage (a
preview, a report) grows in a sample, but not beyond.  The third one's closing counts as start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from database_tools.core import intervals


class Figure(NamedTuple):
    """A number with its 95 % interval, from the sample; both ends are it where none is known."""

    value: float
    low: float
    high: float

    def line(self, start: float, each: float) -> Figure:
        """Return ``start + each * self``."""
        return Figure(*(start + each * value for value in self))


@dataclass(frozen=True, slots=True)
class Run:
    """What a run took.

    Attributes:
        items: that it went through.
        opening: seconds before the first item: of processors, all threads together, and of the
            clock.
        working: the same while it goes through them.
        closing: the same after the last one.
        disk: bytes that it left.
    """

    items: int
    opening: tuple[float, float]
    working: tuple[float, float]
    closing: tuple[float, float]
    disk: int


@dataclass(frozen=True, slots=True)
class Line:
    """``start + each * items``; neither is below 0, whatever a busy machine measured."""

    start: float
    each: float

    @classmethod
    def of(cls, first: tuple[int, float], *rest: tuple[int, float]) -> Line:
        """Draw it through a first run and two more, each (items, what they took)."""
        (few, short), (many, long) = rest
        each = max(0.0, (long - short) / (many - few))
        return cls(max(0.0, first[1] - first[0] * each), each)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stage costs.

    Attributes:
        cpu: seconds.
        wall: seconds on the machine that measured.
        disk: bytes.
        peak: bytes of memory that its largest run took.
    """

    cpu: Line
    wall: Line
    disk: Line
    peak: int

    @classmethod
    def of(cls, runs: Sequence[Run], peak: int) -> Cost:
        """Draw the lines through three runs, see the module; of two the first counts twice."""
        first, rest, last = runs[0], runs[-2:], runs[-1]
        cpu, wall = (
            Line.of(
                (first.items, first.opening[clock] + first.working[clock] + last.closing[clock]),
                *((run.items, run.working[clock]) for run in rest),
            )
            for clock in (0, 1)
        )
        disk = Line.of(*((run.items, float(run.disk)) for run in (first, *rest)))
        return cls(cpu, wall, disk, peak)


@dataclass(frozen=True)
class Stage:
    """A stage of a project.

    Attributes:
        name: of it.
        unit: what it goes through: ``pictures`` or ``crops``.
        cost: of it, measured on the sample.
        cores: that its wall time was measured on; 0 if it can use one only.
        held: bytes that its process will keep of all items, beyond what a sample shows.
    """

    name: str
    unit: str
    cost: Cost
    cores: int
    held: float = 0.0

    def cpu(self, items: Figure) -> Figure:
        """Return its processors' seconds."""
        return items.line(self.cost.cpu.start, self.cost.cpu.each)

    def wall(self, items: Figure, here: int) -> Figure:
        """Return its seconds on this machine, which has ``here`` cores."""
        share = max(1, here // self.cores) if self.cores else 1
        # what a busy machine measured: no less than its processors take
        each = max(self.cost.wall.each / share, self.cost.cpu.each / here)
        return items.line(max(self.cost.wall.start, self.cost.cpu.start / here), each)

    def wall_on(self, items: Figure, workers: int) -> Figure:
        """Return its seconds on so many workers of one core each, at best: all share alike."""
        each = self.cost.cpu.each / workers if self.cores else self.cost.wall.each
        return items.line(self.cost.wall.start, each)

    def disk(self, items: Figure) -> Figure:
        """Return the bytes that it leaves."""
        return items.line(self.cost.disk.start, self.cost.disk.each)

    @property
    def memory(self) -> float:
        """Bytes of its process's memory."""
        return self.cost.peak + self.held


def scaled(counts: Sequence[int], pictures: int, seed: int = 0) -> Figure:
    """Say how many crops all pictures have, from the crops of each in a random sample.

    The interval draws pictures, as the sample did; of a folder of which all were looked at, it is
    the number itself.
    """
    found = np.asarray(counts, np.float64)
    mean = float(found.mean())
    if len(found) == pictures:
        return Figure(*(pictures * mean,) * 3)
    drawn = intervals.draws(len(found), seed=seed) @ found / len(found)
    low, high = (float(end) for end in intervals.interval(drawn, len(found)))
    ends = (mean, mean) if np.isnan(low) else (low, high)
    return Figure(*(pictures * share for share in (mean, *ends)))


def to_learn(crops: Figure, chosen_by: int, most: int, fits: int) -> Figure:
    """Say how many crops' cost a head is: its strength is chosen by some, it is learnt from more.

    Args:
        crops: that there are.
        chosen_by: most crops that the strength is chosen by, in ``fits`` heads.
        most: crops that the last head learns from.
        fits: heads that are learnt to choose.
    """

    def cost(number: float) -> float:
        return (fits * min(number, chosen_by) + min(number, most)) / (fits + 1)

    return Figure(*map(cost, crops))


def total(figures: Sequence[Figure]) -> Figure:
    """Add figures of one sample: their ends come together, as all hang on the crops."""
    sums: npt.NDArray[np.float64] = np.sum(figures, axis=0)
    return Figure(*sums.tolist())
