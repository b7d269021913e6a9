"""Ctrl-C during a training: what is kept is said, and the process ends, wherever TensorFlow is.

A KeyboardInterrupt would wait for a step, for tracing or XLA; raised in the midst of TensorFlow's
calls it ends the process by a segmentation fault now and then.  Nothing needs it: what a training
keeps survives a kill.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130


@contextmanager
def answered(say: Callable[[], None]) -> Iterator[None]:
    """Within the block, in the main thread: call ``say`` when a signal comes, then end.

    Args:
        say: called in a thread of its own while the main one is anywhere, even in an import.
    """
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    before = {each: signal.signal(each, _ignore) for each in (signal.SIGINT, signal.SIGTERM)}

    def watch() -> None:
        with woken:
            while number := woken.recv(1):
                if number[0] in before:
                    try:
                        say()
                    finally:
                        os._exit(INTERRUPTED)

    threading.Thread(target=watch, daemon=True).start()
    # Python's own handler waits for the main thread; this is written when the signal comes.
    earlier = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(earlier)
        wake.close()
        for each, handler in before.items():
            signal.signal(each, handler)


def _ignore(*_: object) -> None:
    """Take the place of the handler that raises KeyboardInterrupt."""
