"""What a process opens once and keeps, as a model: whatever threads ask for it, and how often."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Opened = TypeVar("Opened")

_KEPT = 2
"""Of the last ones asked for: two commands may share a cluster's workers."""


def opened_once(open: Callable[[Key], Opened]) -> Callable[[Key], Opened]:
    """Have a function called once for each argument, as long as few others are asked for."""
    lock, keeping = threading.Lock(), functools.lru_cache(_KEPT)(open)

    @functools.wraps(open)
    def opened(key: Key) -> Opened:
        with lock:  # else each of several threads would open it
            return keeping(key)

    return opened
