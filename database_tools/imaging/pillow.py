"""Pillow's switches, which are the whole process's, and whose they are.

A program that imports the image loader keeps its own; a command and its workers are ours.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator

from PIL import Image, ImageFile

_lock = threading.Lock()
_strict = 0
_before = False


def own_process() -> None:
    """Set Pillow up for a process of ours; commands and workers call it at their start.

    Large pictures: our limit is ``max_pixels``, and Pillow's own, lower one would print warnings
    or raise first.  Warnings of broken tags and the like: nobody can mend them.
    """
    Image.MAX_IMAGE_PIXELS = None
    warnings.filterwarnings("ignore", module=r"PIL\.")


@contextlib.contextmanager
def strict() -> Iterator[None]:
    """Have truncated files refused within the block, in any number of threads.

    MegaDetector's tools, for one, have them filled up with grey in their whole process; they find
    that as it was when no thread of ours decodes any more.
    """
    global _strict, _before  # as the switch is
    with _lock:
        if not _strict:
            _before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        _strict += 1
    try:
        yield
    finally:
        with _lock:
            _strict -= 1
            if not _strict:
                ImageFile.LOAD_TRUNCATED_IMAGES = _before
