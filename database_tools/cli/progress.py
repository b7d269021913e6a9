"""Progress on stderr: a bar on a terminal, one line a minute elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_SECONDS_BETWEEN_LINES = 60


def progress(items: Iterable[T], total: int | None = None, desc: str = "") -> Iterator[T]:
    """Yield ``items`` while showing how far one is.

    Args:
        items: what to go through.
        total: how many there are, if ``len`` does not tell.
        desc: what is being done, e.g. ``"detecting"``.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=desc, smoothing=0.05)
    else:
        yield from _lines(items, total, desc)


def _lines(items: Iterable[T], total: int | None, desc: str) -> Iterator[T]:
    start = said = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - said >= _SECONDS_BETWEEN_LINES:
            said = now
            of_total = f" of {total:,}" if total else ""
            rate = done / (now - start)
            log.info("%s: %s%s, %.1f per second", desc or "progress", f"{done:,}", of_total, rate)
