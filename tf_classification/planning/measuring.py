"""What a stage costs: it is done in a process of its own, as its command would be."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from database_tools.core.errors import UserError
from database_tools.work import executors
from tf_classification.planning.costs import Cost, Floats, Run


class Clock:
    """The moments of a run, in seconds of this process's processors and of the clock.

    Args:
        begun: when the process did, of whose start this run takes the cost; None for now.
    """

    def __init__(self, begun: float | None = None) -> None:
        self._begun = _now() if begun is None else np.array([0.0, begun])
        self._seen: list[Floats] = []

    def watch(self, items: Iterable[Any], *_: Any, **__: Any) -> Iterator[Any]:
        """Stand for progress, whichever way a library shows it."""
        self._seen.append(_now())
        yield from items
        self._seen.append(_now())

    def seconds(self) -> Floats:
        """Return what it took until now, as ``costs.Run`` has it; all is items if none was seen."""
        now = _now()
        seen = self._seen or [self._begun, now]
        return np.diff([self._begun, seen[0], seen[-1], now], axis=0)


Do = Callable[[str, Path, Clock], int]
"""Does a stage for a part of the sample, in a folder, and says how many items it has."""


def cost(do: Do, sizes: Sequence[str], folder: Path) -> Cost:
    """Measure a stage.

    Args:
        do: does it; can be pickled.
        sizes: of its runs, in their order.
        folder: that each has a folder in, of that name.

    Raises:
        UserError: whatever the stage says, or if its process ended.
    """
    begun = time.time()
    with executors.make(2, _be_quiet) as executor:
        process = executor.submit(os.getpid).result()
        try:
            found = executor.submit(measure, do, sizes, folder, begun).result()
        except Exception as error:
            if executors.lost_worker(error) is None:
                raise
            rule = "ended for want of memory, or the system ended it: say a smaller --sample"
            raise UserError(f"the process that tried {folder.name} {rule}") from None
        except KeyboardInterrupt:
            os.kill(process, signal.SIGTERM)  # nobody wants to wait for the stage's end
            raise
    if isinstance(found, str):
        raise UserError(found)
    return found


def _be_quiet() -> None:
    logging.disable(logging.WARNING)  # what is said of a sample's folders helps nobody


def measure(do: Do, sizes: Sequence[str], folder: Path, begun: float) -> Cost | str:
    """Do a stage some times in this process; return what the user has to mend as a text."""
    runs = {}
    clock = Clock(begun)
    try:
        for size in sizes:
            out = folder / size
            out.mkdir(parents=True)
            items = do(size, out, clock)
            runs[size] = Run(items, clock.seconds(), _bytes(out), _peak())
            clock = Clock()
    except UserError as error:  # some do not survive the way between processes
        return str(error)
    return Cost.of(runs)


def _now() -> Floats:
    return np.array([time.process_time(), time.time()])


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
