"""The original's log lines: ``INFO:tensorflow:global step 10: loss = 4.5885 (1.393 sec/step)``.

People grep for them, and scripts read them; so they keep the prefix that TensorFlow 1 gave them.
"""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)


def info(message: str, *args: object) -> None:
    """Log at INFO with TensorFlow 1's prefix."""
    _log.info("INFO:tensorflow:" + message, *args)


def warning(message: str, *args: object) -> None:
    """Log at WARNING with TensorFlow 1's prefix."""
    _log.warning("WARNING:tensorflow:" + message, *args)
