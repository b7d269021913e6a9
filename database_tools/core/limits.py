"""What the numbers that are asked for may be: each rule in words, and what it means."""

from __future__ import annotations

import math
from collections.abc import Callable

from database_tools.core.errors import UserError

_LEAST = "at least "
_KEPT: dict[str, Callable[[float], bool]] = {
    "a finite number of at least 1": lambda x: 1 <= x < math.inf,
    "above 0": lambda x: x > 0,
    "above 0 and at most 1": lambda x: 0 < x <= 1,
    "above 0 and below 1": lambda x: 0 < x < 1,
    "in [0, 1)": lambda x: 0 <= x < 1,
    "in [0, 1]": lambda x: 0 <= x <= 1,
}


def check(asked: object, rule: str, *flags: str) -> None:
    """Raise UserError for the first flag whose number breaks a rule; None is no number.

    Args:
        asked: has the flags' values, as attributes by their names.
        rule: one of those above, or ``at least <number>``.
        flags: as people spell them, e.g. ``--batch-size``.
    """
    for flag in flags:
        name = flag.removeprefix("--").replace("-", "_")
        value = getattr(asked, name)
        if value is None and getattr(type(asked), name, None) is None:  # it may be left out
            continue
        number = rule.removeprefix(_LEAST)
        if not (_KEPT[rule](value) if number == rule else value >= int(number)):
            raise UserError(f"{flag} must be {rule}, got {value}")
