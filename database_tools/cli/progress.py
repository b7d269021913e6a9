"""Progress on stderr: a bar on a terminal, elsewhere lines that soon come and get rarer."""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST, _THEN = (5, 15, 30), 60  # seconds after which lines come, and between those that follow
_ENOUGH = 10
"""Items after which their rate says how long the others take: the first may wait for a model."""


def progress(items: Iterable[T], total: int | None = None, desc: str = "") -> Iterator[T]:
    """Yield ``items`` while showing how far one is with ``desc``, e.g. ``"detecting"``.

    ``total`` is how many there are, if ``len`` does not tell.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=desc, smoothing=0.05)
    else:
        yield from _lines(items, total, desc)


def _lines(items: Iterable[T], total: int | None, desc: str) -> Iterator[T]:
    start = time.monotonic()
    moments = itertools.chain(_FIRST, itertools.count(_THEN, _THEN))
    due = next(moments)
    for done, item in enumerate(items, start=1):
        yield item
        passed = time.monotonic() - start
        if passed >= due:
            due = next(moment for moment in moments if moment > passed)
            rate = done / passed
            of_total = f" of {total:,}" if total else ""
            told = total is not None and done >= min(_ENOUGH, total)
            left = f", {_duration((total - done) / rate)} left" if total and told else ""
            log.info(
                "%s: %s%s, %.1f per second%s", desc or "progress", f"{done:,}", of_total, rate, left
            )


def _duration(seconds: float) -> str:
    """Say a time as people do: 40 s, 12 min, 3 h 5 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
