"""Runs a command and turns what happened into an exit status.

0 done, 2 the user's mistake (one line), 1 our bug (with traceback), 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import io
import logging
import os
import re
import select
import signal
import sys
from collections.abc import Callable, Sequence

from database_tools.cli import chatter
from database_tools.cli.parser import Parser
from database_tools.core.errors import UserError

_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def run(
    parser: Parser,
    work: Callable[[argparse.Namespace], int | None],
    argv: Sequence[str] | None = None,
) -> int:
    """Parse ``argv``, call ``work`` and return the exit status.

    Args:
        parser: the command's flags.
        work: what the command does; may return its own exit status.
        argv: the words after the command's name; ``sys.argv`` when None.

    Raises:
        SystemExit: from the parser, for ``-h`` (0) and wrong flags (2).
    """
    _open_closed_consoles()
    for console in (sys.stdout, sys.stderr):
        if isinstance(console, io.TextIOWrapper):
            console.reconfigure(errors="replace")  # what it cannot show is a question mark
    args = parser.parse_args(argv)
    from database_tools import (
        imaging,
    )  # not before the flags are good: it costs a tenth of a second

    imaging.own_process()
    with chatter.kept_back():
        return _answer(parser, work, args)


def _open_closed_consoles() -> None:
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


def _answer(
    parser: Parser, work: Callable[[argparse.Namespace], int | None], args: argparse.Namespace
) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    # A scheduler's or a pod's "please stop" is answered as Ctrl-C is: clean up, then end.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = work(args) or 0
        sys.stdout.flush()  # what it cannot take is met here, not at Python's own end
        return status
    except UserError as error:
        print(f"{parser.prog}: error: {_on_one_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        if not _stdout_is_closed():
            raise  # a socket's, inside the work
        _drop_output()  # whoever read it (``| head``) has enough
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        _drop_output()
        print(f"{parser.prog}: error: cannot write: {error.strerror}", file=sys.stderr)
        return 2
    finally:
        signal.signal(signal.SIGTERM, previous)


def _drop_output() -> None:
    """Give up what stdout could not take: Python must not complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _on_one_line(message: str) -> str:
    """Spell line breaks and the like, which names may have, as Python does."""
    return _BREAKS.sub(lambda sign: repr(sign[0])[1:-1], message)


def _stdout_is_closed() -> bool:
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
