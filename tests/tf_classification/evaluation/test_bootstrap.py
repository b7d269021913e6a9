"""Intervals hold what they promise, and drawing crops instead of locations would not."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.evaluation import bootstrap, metrics

STATISTICS = {"accuracy": metrics.accuracy}


def world(rng, locations):
    """Give each location an accuracy of its own (mean .7) and 5 to 60 crops of two labels."""
    sizes = rng.integers(5, 61, locations)
    place = np.repeat(np.arange(locations), sizes)
    right = rng.random(len(place)) < np.repeat(rng.beta(3.5, 1.5, locations), sizes)
    labels = rng.integers(2, size=len(place))
    return labels, np.where(right, labels, 1 - labels), place


def covered(locations, by, worlds=300):
    """Tell in what share of ``worlds`` the 95 % interval holds the true accuracy, .7."""
    rng, hits = np.random.default_rng(5), 0
    for _ in range(worlds):
        labels, predicted, place = world(rng, locations)
        counts = bootstrap.by_location(labels, predicted, by(place), 2)
        low, high = bootstrap.intervals(counts, STATISTICS, resamples=300)["accuracy"]
        hits += bool(low <= 0.7 <= high)
    return hits / worlds


@pytest.mark.parametrize("locations", [8, 40])
def test_intervals_hold_the_truth_as_often_as_they_say(locations):
    # 3 sigma of 300 worlds at 95 % is .038
    assert 0.91 <= covered(locations, by=lambda place: place) <= 0.99


def test_drawing_single_crops_would_promise_too_much():
    assert covered(20, by=lambda place: np.arange(len(place)), worlds=100) < 0.75


def test_counts_by_location_add_up_to_the_confusion_matrix():
    labels, predicted, place = world(np.random.default_rng(0), 9)
    counts = bootstrap.by_location(labels, predicted, 10 * place - 7, 2)
    confusion = np.zeros((2, 2), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    whole, expected = bootstrap.total(counts), metrics.counts(confusion)
    assert counts.truth.shape == (9, 2)
    for name in ("truth", "predicted", "right"):
        assert getattr(whole, name).tolist() == getattr(expected, name).tolist()


def test_one_location_says_nothing_about_another():
    counts = bootstrap.by_location(np.array([0, 1]), np.array([0, 0]), np.array([3, 3]), 2)
    assert bootstrap.intervals(counts, STATISTICS) is None


def test_the_same_seed_gives_the_same_interval():
    counts = bootstrap.by_location(*world(np.random.default_rng(1), 6), 2)
    first, again = (bootstrap.intervals(counts, STATISTICS, seed=3)["accuracy"] for _ in range(2))
    assert first == again


def test_a_label_that_no_location_has_gets_no_interval():
    labels, predicted, place = world(np.random.default_rng(2), 6)
    counts = bootstrap.by_location(labels, predicted, place, 3)
    low, high = bootstrap.intervals(counts, {"recall": metrics.recall})["recall"]
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False, False, True]
