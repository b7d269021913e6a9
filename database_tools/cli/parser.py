"""The argument parser of every command: ``-`` and ``_`` are one, nothing is abbreviated."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any


class Parser(argparse.ArgumentParser):
    """argparse with the manners of this product.

    A flag declared as ``--test_fraction`` is also read as ``--test-fraction``, and the other
    way round; help shows the spelling of the declaration.
    """

    def __init__(self, prog: str, doc: str | None = None, **kwargs: Any) -> None:
        super().__init__(
            prog=prog,
            description=doc,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )

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

    def error(self, message: str) -> Any:
        """Print one line, without the usage that would hide it, and exit with 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} -h)\n")
