"""Bounds of precision by location, by hand and against worlds whose spread is known."""

from __future__ import annotations

import numpy as np
import pytest

from database_tools.core import precision_bounds
from database_tools.core.precision_bounds import Judged


def flat(number, places, confidence=0.9):
    """The same confidence for all, at as many places in turn."""
    return Judged(np.full(number, confidence), np.ones(number, bool), np.arange(number) % places)


def test_the_spread_is_the_surplus_of_the_locations_over_chance():
    # two locations of 100 crops said to be .5: v = 25 each; 70 and 30 right: surprise 20 each;
    # (2 * 400 - 2 * 25) / (2 * 625) = .6; half of all estimates from one degree of freedom are
    # below .4549 of the truth
    right = np.concatenate([np.arange(100) < 70, np.arange(100) < 30])
    judged = Judged(np.full(200, 0.5), right, np.repeat([0, 1], 100))
    assert precision_bounds.spread(judged, judged.place) == pytest.approx(0.6 / 0.4549, rel=1e-3)


def test_locations_that_differ_no_more_than_chance_have_no_spread():
    right = np.tile([True, False], 100)
    judged = Judged(np.full(200, 0.5), right, np.repeat(np.arange(4), 50))
    assert precision_bounds.spread(judged, judged.place) == 0


@pytest.mark.parametrize("deviation", [0.5, 1.0])
def test_the_spread_is_found_in_a_world_that_has_it(deviation):
    rng, found = np.random.default_rng(0), []
    for _ in range(50):
        place = np.repeat(np.arange(40), 100)
        logit = rng.normal(1, 1.5, len(place))
        effect = rng.normal(0, deviation, 40)[place]
        right = rng.random(len(place)) < 1 / (1 + np.exp(-logit - effect))
        judged = Judged(1 / (1 + np.exp(-logit)), right, place)
        found.append(precision_bounds.spread(judged, place))
    assert np.mean(found) == pytest.approx(deviation**2, rel=0.25)


def test_without_spread_many_locations_give_the_bound_of_clopper_and_pearson():
    # all of n right: the bound is .1 ** (1 / n); Student of 999 degrees is nearly the normal
    bound = precision_bounds.lower(flat(1000, 1000), 1000, spread=0.0)
    assert bound == pytest.approx(0.1 ** (1 / 1000), abs=1e-5)


def test_spread_and_few_locations_make_crops_worth_less():
    plain = precision_bounds.lower(flat(720, 720), 700, 0.0)
    few = precision_bounds.lower(flat(720, 12), 700, 0.0)
    spread = precision_bounds.lower(flat(720, 12), 700, 1.0)
    assert plain > few > spread
    # 60 crops of .9 at each location: v = 5.4, effect 6.4; Student's 1.3634 over 1.2816, squared
    worth = 720 / 6.4 / (1.3634 / 1.2816) ** 2
    expected = precision_bounds.lower(flat(720, 720), 700 / 720 * 720, 0.0)
    assert spread < expected
    from scipy import stats

    right = worth * 700 / 720
    assert spread == pytest.approx(stats.beta.ppf(0.1, right, worth - right + 1), rel=1e-4)


def test_nothing_right_promises_nothing():
    assert precision_bounds.lower(flat(20, 10), 0, 0.0) == 0
