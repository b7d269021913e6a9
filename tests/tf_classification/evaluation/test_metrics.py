"""Figures of counts, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.evaluation import metrics

# worked example 12 of the specification
CONFUSION = np.array([[5, 1, 0], [2, 3, 0], [0, 0, 0]])


def test_worked_example_has_the_specified_precision_and_recall():
    counts = metrics.counts(CONFUSION)
    assert metrics.precision(counts).tolist() == [0.7142857142857143, 0.75, 0.0]
    assert metrics.recall(counts)[:2].tolist() == [0.8333333333333334, 0.6]
    assert np.isnan(metrics.recall(counts)[2])  # no such example: not known, rather than 0


def test_balanced_accuracy_and_macro_f1_leave_out_a_label_without_examples():
    counts = metrics.counts(CONFUSION)
    assert metrics.accuracy(counts) == 8 / 11
    assert metrics.balanced_accuracy(counts) == pytest.approx((5 / 6 + 3 / 5) / 2)
    assert metrics.macro_f1(counts) == pytest.approx((2 * 5 / 13 + 2 * 3 / 9) / 2)
