"""Paired differences, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.evaluation import differences, figures
from tf_classification.evaluation.differences import Said

NAMES = ("a", "b")


def _said(predicted, sure=0.75):
    return Said(np.array(predicted), np.full(len(predicted), sure, np.float32))


def _compare(labels, places, first, second, sure=(0.75, 0.75)):
    said = _said(first, sure[0]), _said(second, sure[1])
    return differences.compare(np.array(labels), np.array(places), *said, 2)


def test_differences_are_those_of_the_counts():
    # The first is right in 2 of 4, the second in 3; of label 0 in 1 and 2 of two.
    found = _compare([0, 0, 1, 1], [7, 7, 9, 9], [0, 1, 0, 1], [0, 0, 0, 1])
    accuracy, recall = found.figures["accuracy"], found.figures["recall"]
    assert (accuracy.first, accuracy.second, accuracy.change) == (0.5, 0.75, 0.25)
    assert recall.change.tolist() == [0.5, 0.0]
    assert found.figures["precision"].second.tolist() == [2 / 3, 1.0]
    assert found.places.tolist() == [7, 9]
    assert found.place_right.tolist() == [[1, 1], [2, 1]]
    assert found.place_crops.tolist() == [2, 2]
    assert found.crops.tolist() == [2, 2]
    # said .75: the first is right in .5 and the second in .75 of them
    error = found.figures["calibration_error"]
    assert (float(error.first), float(error.second)) == pytest.approx((0.25, 0.0))


def test_a_difference_at_every_location_is_told_where_two_intervals_would_overlap():
    rng = np.random.default_rng(0)
    places = np.repeat(np.arange(20), 50)
    hard = rng.uniform(0.1, 0.9, 20)[places]  # places differ far more than the two classifiers
    first = (rng.uniform(size=1000) < hard).astype(int)
    second = np.where(rng.uniform(size=1000) < 0.08, 1, first)  # right in some more
    labels = np.ones(1000, int)
    found = differences.compare(labels, places, _said(first), _said(second), 2)
    accuracy = found.figures["accuracy"]
    assert differences.verdict("accuracy", accuracy, NAMES) == "b is better"
    alone = [figures.of(labels, p, places, 2).intervals["accuracy"] for p in (first, second)]
    assert alone[0].high > alone[1].low
    turned = differences.compare(labels, places, _said(second), _said(first), 2)
    assert differences.verdict("accuracy", turned.figures["accuracy"], NAMES) == "a is better"


@pytest.mark.parametrize(
    ("places", "first", "second", "said"),
    [
        ([0] * 4, [0, 1, 0, 1], [0, 0, 1, 1], "not enough locations to tell (1)"),
        ([0, 1, 2, 3], [0, 1, 1, 1], [1, 0, 1, 1], "not enough locations to tell (4)"),
        ([0, 1, 2, 3], [0, 1, 1, 1], [0, 1, 1, 1], "no difference"),
    ],
)
def test_what_locations_cannot_tell_is_said(places, first, second, said):
    found = _compare([0, 0, 1, 1], places, first, second)
    assert differences.verdict("accuracy", found.figures["accuracy"], NAMES) == said


def test_of_calibration_errors_the_lower_is_better():
    labels, places = [0, 0, 0, 1] * 30, np.repeat(np.arange(60), 2).tolist()
    found = _compare(labels, places, [0] * 120, [0] * 120, sure=(0.99, 0.75))
    error = found.figures["calibration_error"]
    assert float(error.change) == pytest.approx(0 - 0.24, abs=1e-6)
    assert differences.verdict("calibration_error", error, NAMES) == "b is better"
