"""Intervals hold what they promise, and drawing crops instead of locations would not."""

from __future__ import annotations

import numpy as np
import pytest

from database_tools.core import intervals


def world(rng, locations):
    """Give each location an accuracy of its own (mean .7) and 5 to 60 crops."""
    crops = rng.integers(5, 61, locations)
    return crops, rng.binomial(crops, rng.beta(3.5, 1.5, locations))


def share(crops, right, resamples=300, seed=0):
    times = intervals.draws(len(crops), resamples, seed)
    return intervals.interval((times @ right) / (times @ crops), len(crops))


@pytest.mark.parametrize("locations", [8, 40])
def test_intervals_hold_the_truth_as_often_as_they_say(locations):
    rng, worlds = np.random.default_rng(5), 300
    bounds = [share(*world(rng, locations)) for _ in range(worlds)]
    hits = sum(low <= 0.7 <= high for low, high in bounds)
    assert 0.91 <= hits / worlds <= 0.99  # 3 sigma of 300 worlds at 95 % is .038


def test_drawing_single_crops_would_promise_too_much():
    rng, worlds, hits = np.random.default_rng(5), 100, 0
    for _ in range(worlds):
        crops, right = world(rng, 20)
        single = np.arange(crops.sum()) < right.sum()
        low, high = share(np.ones(len(single)), single)
        hits += low <= 0.7 <= high
    assert hits / worlds < 0.75


def test_each_draw_has_as_many_locations_as_there_are():
    times = intervals.draws(7, 50)
    assert times.shape == (50, 7)
    assert (times.sum(axis=1) == 7).all()


def test_one_location_says_nothing_about_another():
    assert np.isnan(share(np.array([9]), np.array([4]))).all()


def test_draws_that_agree_are_no_certainty():
    assert np.isnan(share(np.array([3, 3, 3]), np.array([3, 3, 3]))).all()


def test_a_figure_of_fewer_locations_than_are_drawn_has_an_interval_of_its_own():
    # label 0 at all six locations, 1 at one, 2 at none, 3 at two of them
    crops = np.array(
        [[4, 0, 0, 2], [4, 0, 0, 2], [4, 9, 0, 0], [4, 0, 0, 0], [4, 0, 0, 0], [4, 0, 0, 0]]
    )
    right = np.array(
        [[4, 0, 0, 2], [3, 0, 0, 0], [1, 9, 0, 0], [2, 0, 0, 0], [4, 0, 0, 0], [3, 0, 0, 0]]
    )
    times = intervals.draws(6)
    with np.errstate(invalid="ignore"):
        shares = (times @ right) / (times @ crops)
    low, high = intervals.interval(shares, (crops > 0).sum(axis=0))
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False, True, True, False]
    assert 0 < low[0] < 17 / 24 < high[0] < 1
    # a draw without the label's locations is no draw of 0: the two locations say 0 and 1
    assert (low[3], high[3]) == (0, 1)
    only = shares[:, 3][~np.isnan(shares[:, 3])]
    assert len(only) < len(shares)


def test_the_same_seed_gives_the_same_interval():
    crops, right = world(np.random.default_rng(1), 6)
    assert share(crops, right, seed=3) == share(crops, right, seed=3)
    assert share(crops, right, seed=3) != share(crops, right, seed=4)
