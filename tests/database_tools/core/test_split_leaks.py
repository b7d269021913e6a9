"""What two sides of a split must not share."""

import numpy as np
import pytest

from database_tools.core import split_leaks


def test_a_group_on_two_sides_gives_its_first_row_of_each_side():
    #        rows:      0  1  2  3  4  5   6  7
    groups = np.array([7, 7, 7, 3, 3, 3, -1, -1])
    sides = np.array([2, 0, 0, 1, 1, -1, 0, 1])
    assert split_leaks.crossing(groups, sides) == [(1, 0)]


def test_a_group_on_three_sides_gives_two_pairs():
    assert split_leaks.crossing(np.array([4, 4, 4]), np.array([0, 2, 1])) == [(0, 2), (2, 1)]
    assert split_leaks.crossing(np.array([], np.int64), np.array([], np.int64)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [("013", "13"), ("Site_07", "site 7"), ("A1", "a-01"), ("CÁMARA 2", "cámara2"), ("0", "00")],
)
def test_spellings_of_one_place_have_one_plain_name(first, second):
    assert split_leaks.plain_name(first) == split_leaks.plain_name(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("1-1", "11"), ("-5", "5"), ("1.5", "15"), ("34_-118", "34_118"), ("10", "1"), ("a", "b")],
)
def test_other_places_have_other_plain_names(first, second):
    assert split_leaks.plain_name(first) != split_leaks.plain_name(second)


def test_neighbours_by_name_and_time_are_a_burst():
    files = ["a/IMG_0007.JPG", "a/IMG_0008.JPG", "a/IMG_0013.JPG", "b/IMG_0009.JPG", "a/x.jpg"]
    times = np.array([100.0, 105.0, 110.0, 106.0, np.nan])
    first, second, third, other, unknown = split_leaks.bursts(files, times).tolist()
    assert first == second == third  # 5 s and 5 numbers apart at most
    assert other not in (first, -1)
    assert unknown == -1


@pytest.mark.parametrize(
    ("file", "time"), [("a/IMG_0008.JPG", 105.5), ("a/IMG_0013.JPG", 101.0), ("a/y_8.JPG", 101.0)]
)
def test_what_is_further_apart_is_no_burst(file, time):
    first, second = split_leaks.bursts(["a/IMG_0007.JPG", file], np.array([100.0, time])).tolist()
    assert first != second
