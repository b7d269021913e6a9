"""Runs a command and turns what happened into an exit status.

0 done, 2 the user's mistake (one line), 1 our bug (with traceback), 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence

from database_tools.cli import chatter
from database_tools.cli.parser import Parser
from database_tools.core.errors import UserError


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
    args = parser.parse_args(argv)
    from database_tools import (
        imaging,
    )  # not before the flags are good: it costs a tenth of a second

    imaging.own_process()
    with chatter.kept_back():
        return _answer(parser, work, args)


def _answer(
    parser: Parser, work: Callable[[argparse.Namespace], int | None], args: argparse.Namespace
) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    # A scheduler's or a pod's "please stop" is answered as Ctrl-C is: clean up, then end.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return work(args) or 0
    except UserError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output (``| head``) has enough; Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
