"""Thresholds and the risk-coverage curve, by hand and on held-out examples."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.evaluation import thresholds


def test_curve_accepts_equal_confidences_together():
    curve = thresholds.risk_coverage(
        np.array([0.9, 0.6, 0.8, 0.6, 0.5]), np.array([True, True, False, False, True])
    )
    assert curve.threshold.tolist() == [0.9, 0.8, 0.6, 0.5]
    assert curve.coverage.tolist() == [0.2, 0.4, 0.8, 1.0]
    assert curve.precision.tolist() == [1, 0.5, 0.5, 0.6]
    assert curve.at(0.6) == 3  # the largest coverage, not the first point
    assert curve.at(0.6, fewest=6) is None
    assert curve.at(0.99) == 0


def test_no_example_has_no_curve():
    curve = thresholds.risk_coverage(np.zeros(0), np.zeros(0, bool))
    assert curve.threshold.tolist() == []
    assert curve.at(0.5) is None


def examples(seed, number=4000):
    """Right with probability equal to the confidence; label 1 is right less often."""
    rng = np.random.default_rng(seed)
    predicted = rng.integers(2, size=number)
    confidence = rng.random(number)
    right = rng.random(number) < np.where(predicted == 0, np.sqrt(confidence), confidence**2)
    return confidence, predicted, right


def test_wanted_precision_holds_on_examples_not_seen():
    chosen = thresholds.choose(*examples(0), num_labels=2, precision=0.9)
    held_out = thresholds.apply(chosen, *examples(1))
    assert chosen[0] < chosen[1]
    precision = held_out.right / held_out.accepted
    # two sigma of a share of .9 among so many
    assert (precision > 0.9 - 2 * np.sqrt(0.09 / held_out.accepted)).all()
    assert held_out.examples.sum() == 4000
    # mean of sqrt above t is 2/3 (1 - t^1.5) / (1 - t) = .9, so t = .63: .37 of label 0 passes
    assert held_out.accepted[0] / held_out.examples[0] == pytest.approx(0.37, abs=0.1)


def of_labels(*confidence_and_right):
    rows = [(c, i, r) for i, label in enumerate(confidence_and_right) for c, r in label]
    confidence, predicted, right = map(np.array, zip(*rows, strict=True))
    return confidence, predicted, right


SURE = [(0.9, True)] * 30 + [(0.5, False)] * 5


def test_a_label_with_few_examples_takes_the_threshold_of_all():
    few = [(0.95, True)] * 3
    assert thresholds.choose(*of_labels(SURE, few), 2, 0.95).tolist() == [0.9, 0.9]


def test_one_mistake_among_few_is_chance_and_two_are_a_warning():
    one, two = ([(0.95, True)] * 3 + [(0.95, False)] * n for n in (1, 2))
    # 30 + 3 right of 34 is 97 %, 33 of 35 is 94 %: too few for all together
    assert thresholds.choose(*of_labels(SURE, one), 2, 0.95).tolist() == [0.9, 0.9]
    chosen = thresholds.choose(*of_labels(SURE * 4, two), 2, 0.95)
    assert chosen[0] == 0.9
    assert np.isnan(chosen[1])


def test_a_label_never_accepted_accepts_nothing():
    accepted = thresholds.apply(
        np.array([0.5, np.nan]), np.array([0.5, 0.99]), np.array([0, 1]), np.array([True, True])
    )
    assert accepted.accepted.tolist() == [1, 0]


def test_hopeless_predictions_are_never_accepted():
    chosen = thresholds.choose(*of_labels([(0.9, False)] * 50), num_labels=2, precision=0.95)
    assert np.isnan(chosen).all()


def test_an_image_is_as_sure_as_its_least_sure_crop_and_right_if_all_are():
    sure, right = thresholds.by_image(
        ["b", "a", "b", "c"], np.array([0.9, 0.5, 0.7, 0.8]), np.array([True, True, False, True])
    )
    assert sure.tolist() == [0.5, 0.7, 0.8]
    assert right.tolist() == [True, False, True]
