"""Keeps two runs out of one folder, by a lock file that the system frees when a process ends.

Only files made for it are locked: on Windows nobody else can read what is.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.durable import files

log = logging.getLogger(__name__)

_PATIENCE = 1.0  # seconds: as long may the workers of a run that was just killed take to end


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` within the block.

    Where the disk cannot lock, as some network drives cannot, a warning is all that it is worth:
    a mark that stays after a kill would keep the next run out.

    Raises:
        UserError: if another process holds it, or its folder cannot be made.
    """
    import filelock  # only when something is locked

    files.make_folder(path.parent)
    lock = filelock.FileLock(
        path, timeout=_PATIENCE, fallback_to_soft=False, preserve_lock_file=True
    )
    try:
        lock.acquire()
    except filelock.Timeout:
        raise UserError(f"{path.parent}: another run is writing here") from None
    except OSError as error:
        log.warning("WARNING: %s: no lock (%s); start no second run", path, error.strerror)
        yield
        return
    try:
        yield
    finally:
        lock.release()
