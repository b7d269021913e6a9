r"""Paths in which TensorFlow finds no pattern.

TensorFlow takes the name of a checkpoint, and so of a SavedModel's variables, for a pattern:
``run[1]/model.ckpt`` means ``run1/model.ckpt``, and ``\`` makes the next letter plain.  It knows no
way to say a name as it is, so it is shown a link from a folder of ours.  (Whatever it writes, and
records that it reads, it takes by their names.)
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATTERN = frozenset("[]*?\\")


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Give a plain path of a folder, for as long as the block runs."""
    if not _PATTERN & set(str(path.absolute())):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="linked-") as ours:
        link = Path(ours) / "folder"
        link.symlink_to(path.absolute(), target_is_directory=True)
        yield link


@contextmanager
def prefix(path: str) -> Iterator[str]:
    """Give a plain path of the files ``path`` and ``path.*``, for as long as the block runs."""
    named = Path(path).absolute()
    if not _PATTERN & set(str(named)):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="linked-") as ours:
        for file in named.parent.iterdir():
            if file.name == named.name or file.name.startswith(f"{named.name}."):
                (Path(ours) / f"linked{file.name.removeprefix(named.name)}").symlink_to(file)
        yield str(Path(ours) / "linked")
