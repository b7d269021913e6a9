"""The original's draw of locations, and what to do with pictures that have none."""

import random

import pytest

from database_tools.core import location_split
from database_tools.core.location_split import draw, fill_missing, in_order, nearest_key

SIX = list("ABCDEF")


def test_locations(locations, fraction):
    return [name for name, split in draw(locations, fraction).items() if split == "test"]


test_locations.__test__ = False


@pytest.mark.parametrize(
    ("fraction", "drawn"),
    [
        (0.2, ["D"]),  # golden: the original, run
        (0.5, ["A", "D", "F"]),  # golden: the original, run
        (0.01, ["D"]),  # at least one
        (0.33, ["D"]),  # 1.98 is rounded down
        (0, []),
        (1, SIX),
    ],
)
def test_the_draw_is_the_originals(fraction, drawn):
    assert test_locations(SIX, fraction) == drawn


def test_numbers_are_drawn_from_their_own_order_not_that_of_their_texts():
    random.seed(0)
    original = random.sample(sorted({2, 10, 1, 33, 4}), 2)
    assert test_locations(in_order([10, 2, 1, 4, 33, 2]), 0.4) == [str(n) for n in sorted(original)]


def test_the_draw_leaves_the_global_generator_alone():
    random.seed(5)
    expected = random.Random(5).random()
    draw(SIX, 0.5)
    assert random.random() == expected


def test_locations_as_numbers_texts_and_both():
    assert in_order([10, 9, 9, 2.5]) == ["2.5", "9", "10"]
    assert in_order(["10", "9"]) == ["10", "9"]
    assert in_order([13, "13", "a"]) == ["13", "a"]  # one place, or a camera would be in both


@pytest.mark.parametrize(
    ("policy", "filled"),
    [
        ("drop", ["4", None, None]),
        ("together", ["4", "no location", "no location"]),
        ("each", ["4", "no location, image 8", "no location, image 9"]),
    ],
)
def test_pictures_without_a_location(policy, filled):
    assert fill_missing([4, None, None], [7, 8, 9], policy) == filled


@pytest.mark.parametrize(
    ("splits", "missing"),
    [
        ({"a": "train", "b": "test"}, None),
        ({"a": "train"}, "test"),
        ({"a": "test"}, "train"),
        ({}, "train"),
    ],
)
def test_the_split_without_a_location_is_named(splits, missing):
    assert location_split.empty(splits) == missing


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (("id", "locations"), "locations"),  # a slip of the pen
        (("id", "file_name", "site"), "site"),  # another word
        (("id", "camera_id", "site_no"), "site_no"),  # the likelier of two
        (("id", "file_name"), None),
    ],
)
def test_the_key_that_was_meant(keys, found):
    assert nearest_key("location", keys) == found
