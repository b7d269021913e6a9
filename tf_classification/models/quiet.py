"""Keeps back what libraries say that no user can use: names of nodes, temporary folders."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("tensorflow", "absl", "tf2onnx")


@contextmanager
def quiet() -> Iterator[None]:
    """Let TensorFlow and its converters log errors only."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
