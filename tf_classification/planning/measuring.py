"""What a stage costs: it is done in a process of its own, as its command would be."""

from __future__ import annotations

import logging
import time
from itertools import pairwise
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.work import executors
from tf_classification.planning.costs import Cost, Run
from tf_classification.planning.stages import ALL, FEW, FIRST, TRAIN, Clock, Do, Prepare, Sample


def cost(name: str, do: Do, sample: Sample, prepare: Prepare | None = None) -> Cost:
    """Measure a stage.

    Args:
        name: of its folder.
        do: does it.
        sample: that it is done with.
        prepare: what comes before it, which does not count.

    Raises:
        UserError: whatever the stage says, or if its process ended.
    """
    with executors.make(2, _be_quiet) as executor:
        process = executor.submit(_measure, name, do, sample, prepare, time.time())
        try:
            found = process.result()
        except Exception as error:
            if (lost := executors.lost_worker(error)) is not None:
                raise lost from None
            raise
    if isinstance(found, str):
        raise UserError(found)
    return found


def _be_quiet() -> None:
    logging.disable(logging.WARNING)  # what is said of a sample's folders helps nobody


def _measure(
    name: str, do: Do, sample: Sample, prepare: Prepare | None, begun: float
) -> Cost | str:
    """Do a stage some times; return what the user has to mend as a text.

    A training compiles its steps each time, so its first run tells as much as a second.
    """
    runs, before = [], (0.0, begun)  # the first run bears the start of the process
    try:
        for size in (FIRST, ALL) if name == TRAIN else (FIRST, FEW, ALL):
            out = sample.kept(name, size)
            out.mkdir(parents=True)
            if prepare is not None:
                since = Clock.now()
                prepare(sample, size, out)
                before = _sum(before, _between(since, Clock.now()))
            clock, there = Clock(), _bytes(out)
            items = do(sample, size, out, clock)
            now = Clock.now()
            moments = before, clock.began or before, clock.ended or now, now
            opening, working, closing = (_between(*pair) for pair in pairwise(moments))
            runs.append(Run(items, opening, working, closing, _bytes(out) - there))
            before = Clock.now()
    except UserError as error:  # some do not survive the way between processes
        return str(error)
    return Cost.of(runs, _peak())


def _between(begin: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    return end[0] - begin[0], end[1] - begin[1]


def _sum(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]


def _bytes(folder: Path) -> int:
    """Return what lies in a folder, without the page to look at, which does not grow for long."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".html")
    return sum(path.stat().st_size for path in files)


def _peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    try:
        # not ru_maxrss, which a process inherits from the one that started it
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes, on a Mac
