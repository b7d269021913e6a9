"""Ctrl-C during a training: noted, and answered between two steps.

Raised wherever it comes, in the midst of TensorFlow's calls too, it ends the process by a
segmentation fault now and then.  A second one is not waited for.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Knows whether Ctrl-C, or the system's "please stop", has come."""

    def __init__(self) -> None:
        self._asked = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; raise KeyboardInterrupt at the second one."""
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if one has come."""
        if self._asked:
            raise KeyboardInterrupt


@contextmanager
def noted() -> Iterator[Interruption]:
    """Note signals within the block, in the main thread; elsewhere none comes."""
    found = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    before = {each: signal.signal(each, found.note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield found
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
