"""What is on the disk, not only on its way there: a power cut forgets everything else.

A file's content and its name are two things: the name is the folder's content.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Collection
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    if path.is_dir() and sys.platform == "win32":
        return  # folders cannot be opened there, and names last without it
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folder: Path, written: Collection[Path]) -> None:
    """Wait until files below ``folder`` that were made, replaced or deleted are on the disk."""
    if not written or _sync_file_system(folder):
        return
    folders: set[Path] = set()
    for path in written:
        if path.exists():
            sync(path)
        within = [parent for parent in path.parents if parent.is_relative_to(folder)]
        folders.update(parent for parent in within if parent.is_dir())
    for parent in sorted(folders, key=lambda path: -len(path.parts)):
        sync(parent)


def _sync_file_system(folder: Path) -> bool:
    """Have Linux write all that waits for the disk of a folder; False where that cannot be."""
    if sys.platform != "linux":
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # One call for hundreds of files: the system orders the writes by their place.
        return ctypes.CDLL(None, use_errno=True).syncfs(descriptor) == 0
    except AttributeError:  # a C library without it
        return False
    finally:
        os.close(descriptor)
