"""The argument parser of every command: ``-`` and ``_`` are one, nothing is abbreviated."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from database_tools.cli import places
from database_tools.core import flags
from database_tools.core.secrets import hidden
from database_tools.remote import arguments

DISTRIBUTION = "tf-classification"

Declare = Callable[[argparse.ArgumentParser, type], None]
"""Declares the flags of a request."""


class Parser(argparse.ArgumentParser):
    """argparse with the manners of this product.

    A flag declared as ``--test_fraction`` is also read as ``--test-fraction``, and the other
    way round; help shows the spelling of the declaration.  A request, if there is
    one, declares its own flags (``core.flags``).
    """

    def __init__(
        self,
        prog: str,
        doc: str | None = None,
        request: type | None = None,
        declare: Declare = flags.declare,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            prog=prog,
            description=doc,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )
        # Not shown in help, whose usage is the README's, word by word.
        self.add_argument("--version", action=_Version, help=argparse.SUPPRESS)
        if request is not None:
            declare(self, request)
            if any(action.type in arguments.ALL for action in self._actions):
                places.declare(self)

    # argparse's own overloads are wider than what commands need
    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse as argparse does, after bringing each flag to its declared spelling."""
        words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(self._respell(words), namespace)

    def _respell(self, words: list[str]) -> list[str]:
        declared = {
            flag.replace("_", "-"): flag for flag in self._option_string_actions if flag[:2] == "--"
        }
        respelled: list[str] = []
        for i, word in enumerate(words):
            if word == "--":
                return respelled + words[i:]
            flag, equals, value = word.partition("=")
            known = declared.get(flag.replace("_", "-")) if flag[:2] == "--" else None
            respelled.append(f"{known}{equals}{value}" if known else word)
        return respelled

    # argparse's own overloads are wider than what commands need
    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Parse all words; of a flag that there is not, say which one was meant."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}")
        return parsed

    def _meant(self, words: Sequence[str]) -> str:
        declared = [flag for flag in self._option_string_actions if flag.startswith("--")]
        flags = [word.partition("=")[0] for word in words if word.startswith("--")]
        found = (did_you_mean(flag, declared) for flag in flags)
        return next(filter(None, found), "")

    def print_help(self, file: Any = None) -> None:
        """Print the help; argparse's own passes over an output that cannot be written."""
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> Any:
        """Print one line, without the usage that would hide it, and exit with 2."""
        self.exit(2, f"{self.prog}: error: {hidden(message)} (see {self.prog} -h)\n")


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a hint at the known word that is nearest to ``word``, "" if none is near."""
    plain = {name.replace("_", "-"): name for name in known}
    near = difflib.get_close_matches(word.replace("_", "-"), plain, n=1, cutoff=0.7)
    return f"; did you mean {plain[near[0]]}?" if near else ""


class _Version(argparse.Action):
    """Prints the version, which is looked up only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, 0, default=argparse.SUPPRESS, **kwargs)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"{parser.prog} {version()}")
        parser.exit()


def version() -> str:
    """Return the version of the installed distribution."""
    from importlib import metadata

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "of a folder that is not installed"
