"""Whole locations move until no two sides share anything."""

import numpy as np
import pytest

from database_tools.core.split_repair import NoRepair, joined, repaired

TRAIN, VAL, TEST = 0, 1, 2


def test_links_join_near_and_far():
    assert joined(6, [(4, 2), (2, 5), (1, 0)]) == [0, 0, 2, 3, 2, 2]


def crops(*rows):
    return np.array(rows, np.int64)


def test_a_group_goes_to_test_if_one_of_it_is_there():
    table = crops([50], [1], [9], [9])
    sides = [(TRAIN,), (TEST,), (TRAIN,), (VAL,)]
    assert repaired(table, sides, [0, 0, 2, 3], TEST) == [TEST, TEST, TRAIN, VAL]


def test_a_group_may_leave_test_when_it_is_allowed():
    table = crops([50], [1], [9], [9], [9])
    sides = [(TRAIN,), (TEST,), (TRAIN,), (VAL,), (TEST,)]
    assert repaired(table, sides, [0, 0, 2, 3, 4], None) == [TRAIN, TRAIN, TRAIN, VAL, TEST]


def test_a_group_goes_where_most_of_its_crops_are_unless_a_label_loses_a_split():
    # Place 1 is the only one of label 1 in val, so its group goes there, not to train.
    table = crops([9, 9], [1, 1], [5, 5], [5, 0])
    sides = [(TRAIN,), (VAL,), (TRAIN,), (VAL,)]
    assert repaired(table, sides, [0, 0, 2, 3], TEST) == [VAL, VAL, TRAIN, VAL]
    assert repaired(crops([9], [1], [5], [5]), sides, [0, 0, 2, 3], TEST)[:2] == [TRAIN, TRAIN]


def test_a_place_on_two_sides_gets_one():
    assert repaired(crops([5], [5], [5]), [(TRAIN, VAL), (TRAIN,), (VAL,)], [0, 1, 2], TEST) == [
        *(TRAIN, TRAIN, VAL)
    ]


def test_a_label_that_would_lose_a_split_stops_it():
    with pytest.raises(NoRepair) as stop:
        repaired(crops([9], [1]), [(TRAIN,), (TEST,)], [0, 0], TEST)
    assert (stop.value.label, stop.value.side, stop.value.place) == (0, TRAIN, 0)
