from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import holdout


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=200),
    fraction=st.floats(0, 0.9),
    seed=st.integers(0, 9),
)
def test_whole_locations_go_and_every_label_keeps_half(rows, fraction, seed):
    labels, locations = (np.array(column) for column in zip(*rows, strict=True))
    held = holdout.choose(labels, locations, fraction, seed)
    for location in np.unique(locations):
        assert held[locations == location].all() or not held[locations == location].any()
    for label in np.unique(labels):
        assert held[labels == label].mean() <= 0.5


def test_about_the_fraction_is_held_out():
    rng = np.random.default_rng(0)
    labels, locations = rng.integers(0, 5, 10_000), rng.integers(0, 100, 10_000)
    held = holdout.choose(labels, locations, 0.2, seed=1)
    assert abs(held.mean() - 0.2) < 0.01  # a location has about 1 %
    assert (held == holdout.choose(labels, locations, 0.2, seed=1)).all()
    assert (held != holdout.choose(labels, locations, 0.2, seed=2)).any()


def test_a_label_of_one_location_stays_in_training():
    labels = np.array([0, 0, 0, 0, 1])
    locations = np.array([0, 1, 2, 3, 4])
    assert not any(holdout.choose(labels, locations, 0.5, seed)[4] for seed in range(20))


def test_nothing_is_held_out_of_a_single_location():
    assert not holdout.choose(np.zeros(5, int), np.zeros(5, int), 0.2, 0).any()


def test_the_choice_that_holds_some_of_each_label_is_preferred():
    # 20 locations of one label each, two labels: most random choices of 4 are uneven.
    labels, locations = np.repeat([0, 1], 100), np.repeat(np.arange(20), 10)
    for seed in range(10):
        held = holdout.choose(labels, locations, 0.2, seed)
        assert np.bincount(labels[held]).tolist() == [20, 20]


def test_numbers_of_locations_and_labels_need_not_be_dense():
    labels, locations = np.array([5, 5, 9, 9] * 5), np.repeat([3, 70, 71, 8, 1], 4)
    held = holdout.choose(labels, locations, 0.2, 0)
    assert held.sum() == 4
