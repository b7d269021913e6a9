"""Runs a command and turns what happened into an exit status.

0 done, 2 the user's mistake (one line), 1 our bug (with traceback), 75 another worker of the same
training was lost (one line), 130 interrupted.
"""

from __future__ import annotations

import argparse
import atexit
import functools
import gc
import inspect
import logging
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from database_tools.cli import chatter, console, places, quick_import
from database_tools.cli.parser import Declare, Parser
from database_tools.core import flags
from database_tools.core.errors import UserError
from database_tools.core.secrets import hidden

Request = TypeVar("Request")

_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


Work = Callable[[argparse.Namespace], int | None]
"""What a command does with its flags; it may return its own exit status."""


@dataclass(frozen=True)
class Command:
    """A command's ``main``, which takes the words after its name; see ``run``."""

    build_parser: Callable[[], Parser]
    work: Work

    def __call__(self, argv: Sequence[str] | None = None) -> int:
        """Run it, on ``sys.argv`` when None, and return the exit status."""
        return run(self.build_parser(), self.work, argv)


def of_request(
    prog: str,
    doc: str | None,
    request: type[Request],
    work: Callable[[Request], int | None],
    declare: Declare = flags.declare,
) -> Command:
    """Return the command whose flags are the fields of ``request``, which ``work`` gets.

    What ``declare`` declares besides is read and checked, but is not the request's.
    """
    known = inspect.signature(request).parameters

    def make_and_work(args: argparse.Namespace) -> int | None:
        return work(request(**{name: v for name, v in vars(args).items() if name in known}))

    return Command(functools.partial(Parser, prog, doc, request, declare), make_and_work)


def run(parser: Parser, work: Work, argv: Sequence[str] | None = None) -> int:
    """Parse ``argv``, ``sys.argv`` when None, call ``work`` and return the exit status.

    Raises:
        SystemExit: from the parser, for ``-h`` (0) and wrong flags (2).
    """
    # What TensorFlow made in millions need not be searched for cycles when the process ends.
    atexit.register(gc.freeze)

    def parse_and_work() -> int:
        parsed: list[argparse.Namespace] = []
        with console.reader_may_leave():
            parsed.append(parser.parse_args(argv))
        if not parsed:
            return 0  # nobody reads the help
        from database_tools import imaging  # not for -h: it costs a tenth of a second

        imaging.own_process()
        status: int | None = 0
        with chatter.kept_back(), console.reader_may_leave():
            status = _work(parser, work, parsed[0])
        return status or 0

    return answer(parser.prog, parse_and_work)


def answer(prog: str, work: Callable[[], int | None]) -> int:
    """Call ``work`` and return the exit status; what the user can mend is one line."""
    console.prepare()
    try:
        return work() or 0
    except UserError as error:
        print(f"{prog}: error: {_on_one_line(hidden(str(error)))}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        return 130


def _work(parser: Parser, work: Work, args: argparse.Namespace) -> int | None:
    handler, root = logging.StreamHandler(sys.stderr), logging.getLogger()
    level = root.level
    handler.setFormatter(_Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # A scheduler's or a pod's "please stop" is answered as Ctrl-C is: clean up, then end.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with places.opened(parser, args), quick_import.quickly():
            return work(args)
    finally:
        signal.signal(signal.SIGTERM, previous)
        # Libraries' threads, a cluster's client say, would go on to write to a stream that is gone.
        root.removeHandler(handler)
        root.setLevel(level)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return hidden(super().format(record))


def _on_one_line(message: str) -> str:
    """Spell line breaks and the like, which names may have, as Python does."""
    return _BREAKS.sub(lambda sign: repr(sign[0])[1:-1], message)
