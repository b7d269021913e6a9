"""Figures of counts, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.evaluation import metrics

# worked example 12 of the specification
CONFUSION = np.array([[5, 1, 0], [2, 3, 0], [0, 0, 0]])


def test_worked_example_has_the_specified_precision_and_recall():
    counts = metrics.counts(CONFUSION)
    assert metrics.precision(counts)[:2].tolist() == [0.7142857142857143, 0.75]
    assert np.isnan(metrics.precision(counts)[2])  # never predicted
    assert metrics.recall(counts)[:2].tolist() == [0.8333333333333334, 0.6]
    assert np.isnan(metrics.recall(counts)[2])  # no such example: not known, rather than 0


def test_balanced_accuracy_and_macro_f1_leave_out_a_label_without_examples():
    counts = metrics.counts(CONFUSION)
    assert metrics.accuracy(counts) == 8 / 11
    assert metrics.balanced_accuracy(counts) == pytest.approx((5 / 6 + 3 / 5) / 2)
    assert metrics.macro_f1(counts) == pytest.approx((2 * 5 / 13 + 2 * 3 / 9) / 2)


def test_counts_by_location_add_up_to_the_confusion_matrix():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(2, size=(2, 200))
    place = rng.integers(9, size=200)
    counts = metrics.by_location(labels, predicted, 10 * place - 7, 2)
    confusion = np.zeros((2, 2), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    whole, expected = metrics.weighted(np.ones(9), counts), metrics.counts(confusion)
    assert counts.truth.shape == (9, 2)
    for name in ("truth", "predicted", "right"):
        assert getattr(whole, name).tolist() == getattr(expected, name).tolist()
