"""Errors that are the user's to mend; a command prints them as one line and exits with 2.

Anything else that is raised is our own fault: it keeps its traceback and exits with 1.
"""

from __future__ import annotations

import contextlib
import os
import reprlib
from collections.abc import Iterator, Sequence

_REPR = reprlib.Repr()
# Values come from files: they may be long, and nested as deep as a decoder goes.
_REPR.maxstring = _REPR.maxother = 60
_REPR.maxlevel = 3


def shown(value: object) -> str:
    """Show a value, shortened, for a message."""
    text = _REPR.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def few(names: Sequence[str], most: int = 5, between: str = ", ") -> str:
    """List the first names for a message, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more


class UserError(Exception):
    """A wrong flag, a broken input or an impossible request, in one line; exits with ``status``."""

    status = 2


class FormatError(UserError):
    """A file that breaks a rule of its format.

    The message reads ``FILE: PLACE: RULE AND VALUE``, for example
    ``cct.json: images[17] ("a/b.jpg"): no key "location"; its keys are file_name, id``.
    """

    def __init__(self, path: str | os.PathLike[str], place: str, rule: str) -> None:
        super().__init__(": ".join(part for part in (str(path), place, rule) if part))
        self.path = str(path)
        self.place = place
        self.rule = rule

    @classmethod
    @contextlib.contextmanager
    def at(cls, path: str | os.PathLike[str], place: str) -> Iterator[None]:
        """Tell a ValueError of the block with the place in the file that it is about."""
        try:
            yield
        except ValueError as error:
            raise cls(path, place, str(error)) from None

    def __reduce__(self) -> tuple[type[FormatError], tuple[str, str, str]]:
        """Travel between processes with all three; an exception alone would send its text."""
        return type(self), (self.path, self.place, self.rule)
