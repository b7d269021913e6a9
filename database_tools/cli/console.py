"""What reads and shows a command's output: a console, a file, or a pipe that may be gone."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Iterator

from database_tools.core.errors import UserError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def prepare() -> None:
    """Let whatever a command says be shown somehow: what a console cannot is a question mark."""
    _open_closed()
    for console in (sys.stdout, sys.stderr):
        if isinstance(console, io.TextIOWrapper):
            console.reconfigure(errors="replace")


@contextlib.contextmanager
def reader_may_leave() -> Iterator[None]:
    """Take it as the end of the output, not as an error, when nobody reads it (``| head``).

    Raises:
        UserError: if it cannot be written for want of room.
    """
    try:
        yield
        sys.stdout.flush()  # what it cannot take is met here, not at Python's own end
    except SystemExit:
        with reader_may_leave():
            pass
        raise
    except BrokenPipeError:
        if not _is_closed():
            raise  # a socket's, inside the work
        _drop()
    except OSError as error:
        if error.filename is not None or error.errno not in _NO_ROOM:
            raise
        _drop()
        raise UserError(f"cannot write: {error.strerror}") from None


def _drop() -> None:
    """Give up what stdout could not take: Python must not complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed() -> None:
    """Let a closed stdin, stdout or stderr (``2>&-``) lead nowhere.

    Else the next file that is opened gets its number, and with it what C++ says.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)
            os.set_inheritable(number, True)
            if nowhere != number:
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def _is_closed() -> bool:
    """Say whether nobody reads our output any more."""
    if not hasattr(select, "poll"):  # Windows cannot tell; it is nearly always so
        return True
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return False
    watch = select.poll()
    watch.register(descriptor, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in watch.poll(0))
