"""Names of pictures in annotations: relative paths that must stay inside a folder."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Container

_DRIVE = re.compile(r"[A-Za-z]:")


def inside(name: str) -> str | None:
    """Write a relative path the one way in which names are compared, ``a/b.jpg``.

    Returns:
        The path with forward slashes and without ``.``; None for one that is absolute, has
        ``..``, is empty or holds a NUL, which may lead out of any folder or be no name at all.
    """
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path) or "\0" in path or ".." in path.split("/"):
        return None
    path = posixpath.normpath(path)
    return None if path == "." else path


def class_folders(categories: Collection[str], taken: Container[str]) -> tuple[str, ...]:
    """Name a folder for each category: its name, where that is a folder's.

    Slashes and control characters become ``_``; a name that is then taken, by a file of ours or
    by another category, gets its class id; a leading dot, which would hide it, a ``_`` before.
    """
    folders: list[str] = []
    for class_id, category in enumerate(categories):
        folder = re.sub(r"[/\\\x00-\x1f]", "_", category)
        if folder.startswith("."):
            folder = f"_{folder}"
        while folder in taken or folder in folders:
            folder = f"{folder}_{class_id}"
        folders.append(folder)
    return tuple(folders)


def crop_name(name: str, number: int, taken: Container[str]) -> str:
    """Name the crop of one of several boxes: ``a.jpg`` gives ``a_0.jpg``, ``a_1.jpg``, ...

    Where ``taken`` has a picture ``a_0.jpg`` of its own, an underscore more keeps them apart.
    """
    stem, suffix = posixpath.splitext(name)
    mark = "_"
    while (crop := f"{stem}{mark}{number}{suffix}") in taken:
        mark += "_"
    return crop
