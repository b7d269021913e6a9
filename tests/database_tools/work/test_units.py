"""Units: every number once, in order, in ranges of a size that suits workers and memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.work.units import Units


@pytest.mark.parametrize(
    ("number", "workers", "elsewhere", "most"),
    [
        (12, 4, False, 1),
        (120, 2, False, 7),  # 8 units for each of two workers
        (1_000_000, 2, False, 64),
        (120, 2, True, 64),
    ],
)
def test_each_worker_gets_several_units_of_1_to_64(number, workers, elsewhere, most):
    assert Units(number, workers, elsewhere=elsewhere).most == most


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 9), st.integers(0, 10**9))
def test_every_number_is_in_one_unit(start, number, workers, size):
    units = Units(number, workers)
    found = []
    for unit in units.of(range(start, start + number)):
        units.weigh(len(unit), size)
        found += unit
    assert found == list(range(start, start + number))


def test_units_of_large_results_are_small():
    units = Units(10_000, 1)
    cut = units.of(range(10_000))
    assert len(next(cut)) == 64
    units.weigh(64, 64 * (4 << 20))  # 4 MB each
    assert len(next(cut)) == 4  # of 16 MB


def test_numbers_are_not_asked_for_before_their_unit_is():
    numbers = iter(range(100))
    units = Units(100, 2).of(numbers)
    next(units)
    assert next(numbers) == 6
