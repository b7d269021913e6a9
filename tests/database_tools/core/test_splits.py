"""Splits by location: the original's draw, holding out, dealing; pictures without a place."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import splits
from database_tools.core.errors import UserError
from database_tools.core.splits import draw, fill_missing, in_order, nearest_key

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


@given(
    st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=12),
    st.floats(0, 1),
)
def test_a_draw_that_covers_leaves_each_label_of_several_places_one_in_train(labels, fraction):
    of = {f"p{i:02d}": found for i, found in enumerate(labels)}
    plain, drawn = draw(list(of), fraction), draw(list(of), fraction, of)
    for label in "abcd":
        places = [place for place, found in of.items() if label in found]
        assert len(places) < 2 or any(drawn[place] == "train" for place in places)
    left = {label for place, found in of.items() for label in found if plain[place] == "train"}
    several = {label for label in "abcd" if sum(label in found for found in labels) > 1}
    if several <= left:
        assert drawn == plain
    number = list(plain.values()).count("test")
    assert list(drawn.values()).count("test") <= number


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
    ("drawn", "missing"),
    [
        ({"a": "train", "b": "test"}, None),
        ({"a": "train"}, "test"),
        ({"a": "test"}, "train"),
        ({}, "train"),
    ],
)
def test_the_split_without_a_location_is_named(drawn, missing):
    assert splits.empty(drawn) == missing


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


# Holding out


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=200),
    fraction=st.floats(0, 0.9),
    seed=st.integers(0, 9),
)
def test_whole_locations_go_and_every_label_keeps_half(rows, fraction, seed):
    labels, locations = (np.array(column) for column in zip(*rows, strict=True))
    held = splits.hold_out(labels, locations, fraction, seed)
    for location in np.unique(locations):
        assert held[locations == location].all() or not held[locations == location].any()
    for label in np.unique(labels):
        assert held[labels == label].mean() <= 0.5


def test_about_the_fraction_is_held_out():
    rng = np.random.default_rng(0)
    labels, locations = rng.integers(0, 5, 10_000), rng.integers(0, 100, 10_000)
    held = splits.hold_out(labels, locations, 0.2, seed=1)
    assert abs(held.mean() - 0.2) < 0.01  # a location has about 1 %
    assert (held == splits.hold_out(labels, locations, 0.2, seed=1)).all()
    assert (held != splits.hold_out(labels, locations, 0.2, seed=2)).any()


def test_a_label_of_one_location_stays_in_training():
    labels = np.array([0, 0, 0, 0, 1])
    locations = np.array([0, 1, 2, 3, 4])
    assert not any(splits.hold_out(labels, locations, 0.5, seed)[4] for seed in range(20))


def test_nothing_is_held_out_of_a_single_location():
    assert not splits.hold_out(np.zeros(5, int), np.zeros(5, int), 0.2, 0).any()


def test_the_choice_that_holds_some_of_each_label_is_preferred():
    # 20 locations of one label each, two labels: most random choices of 4 are uneven.
    labels, locations = np.repeat([0, 1], 100), np.repeat(np.arange(20), 10)
    for seed in range(10):
        held = splits.hold_out(labels, locations, 0.2, seed)
        assert np.bincount(labels[held]).tolist() == [20, 20]


def test_numbers_of_locations_and_labels_need_not_be_dense():
    labels, locations = np.array([5, 5, 9, 9] * 5), np.repeat([3, 70, 71, 8, 1], 4)
    held = splits.hold_out(labels, locations, 0.2, 0)
    assert held.sum() == 4


# Dealing


def test_a_deal_gives_each_part_its_share_of_each_label():
    # 10 locations with 10 crops of each of two labels: 6, 2 and 2 locations are exact.
    places = [f"loc{i}" for i in range(10) for _ in range(20)]
    parts = splits.deal(["a", "b"] * 100, places)
    assert {name: len(part) for name, part in parts.items()} == {"train": 6, "val": 2, "test": 2}


def test_a_deal_keeps_every_label_in_train():
    # "b" lives at two of five places; a deal with both outside train is not taken.
    places = ["p0", "p1", "p2", "p3", "p4"] * 4
    labels = ["b" if place in ("p0", "p1") else "a" for place in places]
    parts = splits.deal(labels, places)
    assert parts["train"] & {"p0", "p1"}


def test_two_locations_are_too_few_to_split():
    with pytest.raises(UserError, match="need 3 locations with animals, got 2"):
        splits.deal(["a", "a"], ["p0", "p1"])
