"""Command-line flags from an options class, in the manner of absl: ``--flag``, ``--noflag``."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import types
import typing
from collections.abc import Callable

from slim_legacy.training.options import Gone


def declare(parser: argparse.ArgumentParser, options: typing.Any) -> None:
    """Declare a flag for each field of a dataclass, with its type, default and help.

    The dataclass also says which flags are ``gone``.
    """
    kinds = typing.get_type_hints(options)
    for one in dataclasses.fields(options):
        text = one.metadata["help"] + ("" if one.default in (None, "") else " (%(default)s)")
        kind = _plain(kinds[one.name])
        if kind is bool:
            add_boolean(parser, one.name, bool(one.default), text)
        else:
            choices = one.metadata["choices"]
            parser.add_argument(
                f"--{one.name}", type=kind, default=one.default, choices=choices, help=text
            )
    add_gone(parser, options.gone)


def add_boolean(parser: argparse.ArgumentParser, name: str, default: bool, text: str) -> None:
    """Declare ``--name``, ``--name=True``, ``--name=False`` and ``--noname``."""
    parser.add_argument(
        f"--{name}", nargs="?", const=True, type=boolean, default=default, metavar="BOOL", help=text
    )
    parser.add_argument(f"--no{name}", dest=name, action="store_false", help=argparse.SUPPRESS)


def add_gone(parser: argparse.ArgumentParser, gone: Gone) -> None:
    """Declare flags that are taken at one value only: (name, value, what replaces it)."""
    for name, value, instead in gone:
        text = f"only {value!r}: {instead}"
        add = functools.partial(
            parser.add_argument, f"--{name}", default=value, type=_only(value, instead), help=text
        )
        if value == "False":
            add(nargs="?", const="True", metavar="BOOL")
            parser.add_argument(f"--no{name}", action="store_true", help=argparse.SUPPRESS)
        else:
            add()


def boolean(text: str) -> bool:
    """Read a truth value as absl does."""
    if text.lower() in ("true", "t", "1", "yes"):
        return True
    if text.lower() in ("false", "f", "0", "no"):
        return False
    raise argparse.ArgumentTypeError(f"expected True or False, got {text!r}")


def _plain(kind: typing.Any) -> typing.Any:
    """Take the None off ``int | None``."""
    if isinstance(kind, types.UnionType):
        return next(part for part in typing.get_args(kind) if part is not type(None))
    return kind


def _only(value: str, instead: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text.lower() != value.lower():
            raise argparse.ArgumentTypeError(f"only {value!r} is possible, got {text!r}: {instead}")
        return text

    return check
