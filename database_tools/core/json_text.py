"""JSON text to values: the one place where our programs decode what somebody gives them.

Python's own decoder, as it takes the bare NaN and Infinity that many tools write.  Besides what is
no JSON it refuses, each in a way of its own, text nested a thousand deep (RecursionError) and whole
numbers of more than 4,300 digits (a plain ValueError).  Here all are one kind of error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

_DECODER = json.JSONDecoder()


class JsonError(ValueError):
    """Text that cannot be decoded: the rule, and where, "" and None for the text as a whole."""

    def __init__(self, rule: str, place: str = "", position: int | None = None) -> None:
        super().__init__(f"{place}: {rule}" if place else rule)
        self.rule, self.place, self.position = rule, place, position


def loads(text: str) -> Any:
    """Decode a whole text; raise JsonError if that cannot be."""
    return _checked(_DECODER.decode, text)


def loads_quickly(text: str) -> Any:
    """Decode as ``loads`` does, three times as fast; a whole number beyond 64 bits is a float.

    Raises:
        JsonError: if that cannot be.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # NaN and half surrogates too
        return loads(text)


def decode(text: str, start: int) -> tuple[Any, int]:
    """Decode the value that begins at ``start``; return it and where it ends.

    Raises:
        JsonError: if that cannot be, also where ``text`` ends within the value.
    """
    return _checked(_DECODER.raw_decode, text, start)


def _checked(decoder: Callable[..., Any], *args: Any) -> Any:
    try:
        return decoder(*args)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise JsonError(f"not JSON: {error.msg}", place, error.pos) from None
    except RecursionError:
        raise JsonError("JSON that is nested too deeply") from None
    except ValueError:
        raise JsonError("a whole number of more than 4,300 digits") from None
