from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import significant_digits


@pytest.mark.parametrize(
    ("value", "digits", "floored", "rounded"),
    [
        (0.57, 4, 0.5699, 0.57),  # 5699.999... in binary
        (0.12345678, 4, 0.1234, 0.1235),
        (0.30654322, 4, 0.3065, 0.3065),
        (0.000321488, 4, 0.0003214, 0.0003215),
        (0.98765, 3, 0.987, 0.988),
        (1.0, 4, 1.0, 1.0),
        (0.1, 4, 0.1, 0.1),
        (0.0, 4, 0.0, 0.0),
        (1e-8, 4, 0.0, 0.0),  # nothing, to those tools
        (1.25e-8, 4, 1.25e-8, 1.25e-8),
        (12345.0, 3, 12300.0, 12300.0),
        (-0.57891, 3, -0.579, -0.579),  # down, not towards zero
    ],
)
def test_numbers_of_few_digits(value, digits, floored, rounded):
    assert significant_digits.floored([value], digits).tolist() == [floored]
    assert significant_digits.rounded([value], digits).tolist() == [rounded]


def test_none_and_tables_of_any_shape_are_taken():
    assert significant_digits.floored([], 4).shape == (0,)
    assert significant_digits.rounded([[0.12345, 0.5]], 2).tolist() == [[0.12, 0.5]]


@given(st.floats(2e-8, 1))
def test_floored_numbers_are_those_of_the_formula(value):
    factor = math.pow(10, 3 - math.floor(math.log10(value)))
    expected = math.floor(value * factor) / factor
    assert significant_digits.floored([value], 4)[0] == pytest.approx(expected, rel=1e-12)
