"""What a disk makes of names: found out once, with some files that are gone again."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from database_tools.core.names import Disk

_PATH_MAX = 4096  # bytes of a path on Linux, with the zero behind it; on other systems no less
_BESIDE = 40  # bytes by which a temporary neighbour's name may be longer than the file's
_COMPOSED, _DECOMPOSED = "\u00e9", "e\u0301"


def look_at(folder: Path) -> Disk:
    """Find out what the disk of a folder makes of names; nothing stays in it."""
    probe = f".probe-{os.getpid()}-"
    ends = ("a", "A", _COMPOSED, _DECOMPOSED, "?:")
    lower, upper, composed, decomposed, signs = (folder / f"{probe}{end}.tmp" for end in ends)
    try:
        for path in (lower, composed, signs):
            with contextlib.suppress(OSError):  # which is the answer
                path.touch()
        return Disk(
            ignores_case=upper.exists(),
            ignores_form=decomposed.exists(),
            plain_only=not signs.exists(),
            room=_PATH_MAX - 1 - len(os.fsencode(folder)) - _BESIDE,
        )
    finally:
        for path in (lower, composed, signs):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
