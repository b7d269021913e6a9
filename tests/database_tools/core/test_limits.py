from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import pytest

from database_tools.core import limits
from database_tools.core.errors import UserError


@dataclass
class Asked:
    batch_size: float | None = 1
    most: float | None = None


@pytest.mark.parametrize(
    ("rule", "kept", "broken"),
    [
        ("at least 0", (0, 7), (-1, -0.1)),
        ("at least 32", (32,), (31, math.nan)),
        ("a finite number of at least 1", (1, 1.3), (0.9, math.inf, math.nan)),
        ("above 0", (0.1, 8), (0, -1)),
        ("above 0 and at most 1", (0.1, 1), (0, 1.1)),
        ("above 0 and below 1", (0.5,), (0, 1)),
        ("in [0, 1)", (0, 0.9), (-0.1, 1)),
        ("in [0, 1]", (0, 1), (-0.1, 1.1, math.nan)),
    ],
)
def test_a_rule_is_kept_or_said_with_flag_and_number(rule, kept, broken):
    for number in kept:
        limits.check(Asked(number), rule, "--batch-size")
    for number in broken:
        with pytest.raises(UserError) as error:
            limits.check(Asked(number), rule, "--batch-size")
        assert str(error.value) == f"--batch-size must be {rule}, got {number}"


def test_nothing_breaks_no_rule_where_a_flag_may_be_left_out():
    limits.check(Asked(), "above 0", "--batch-size", "--most")
    limits.check(argparse.Namespace(most=None), "above 0", "--most")
    with pytest.raises(TypeError):  # null in a file that asks for a number
        limits.check(Asked(None), "at least 1", "--batch-size")
    with pytest.raises(UserError, match="--most must be"):
        limits.check(Asked(1, 0), "above 0", "--batch-size", "--most")
