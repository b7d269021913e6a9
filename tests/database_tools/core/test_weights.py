from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import weights
from database_tools.core.weights import Curve

LABELS = np.array([0, 0, 0, 1])
CONFIDENCES = np.array([0.9, 0.8, 1.0, 0.95])
CURVE = Curve(np.array([0, 0.8, 0.9, 1]), np.array([0.1, 0.4, 0.7, 0.99]))


@pytest.mark.parametrize(
    ("labels", "before", "after"),
    [  # spec/pipeline.md 15, example 10, measured on the original
        (LABELS, np.ones(4), [0.6667, 0.6667, 0.6667, 2.0]),
        (LABELS, CONFIDENCES, [0.6083, 0.5407, 0.6759, 1.825]),
        (LABELS, CURVE.calibrate(CONFIDENCES), [0.4915, 0.2809, 0.6951, 1.4675]),
        (np.array([0, 1, 1]), np.ones(3), [1.5, 0.75, 0.75]),
    ],
)
def test_balance_as_the_original(labels, before, after):
    np.testing.assert_allclose(weights.balance(labels, before), after, atol=5e-5)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.01, 1)), min_size=1, max_size=50))
def test_balance_keeps_the_sum_and_makes_labels_equal(rows):
    labels, before = (np.array(column) for column in zip(*rows, strict=True))
    after = weights.balance(labels, before)
    assert after.sum() == pytest.approx(before.sum())
    totals = np.bincount(labels, after)[np.unique(labels)]
    np.testing.assert_allclose(totals, totals[0])


def test_balance_without_any_weight_is_refused():
    with pytest.raises(ValueError, match="no example"):
        weights.balance(np.array([0, 1]), np.zeros(2))


def test_confidences_in_single_precision_stay_within_the_curve():
    calibrated = CURVE.calibrate(np.array([1.0, 0.9, 0], np.float32))
    np.testing.assert_allclose(calibrated, [0.99, 0.7, 0.1], atol=1e-6)


def test_a_confidence_beyond_the_curve_is_refused():
    short = Curve(np.array([0.1, 0.9]), np.array([0, 1.0]))
    with pytest.raises(ValueError, match=r"0\.1 to 0\.9, but one is 1"):
        short.calibrate(np.array([0.5, 1.0]))


@pytest.mark.parametrize(
    ("x", "y", "rule"),
    [
        ([0, 1], [0, 1, 1], "one length"),
        ([0], [0], "one length"),
        ([1, 0], [0, 1], "rise"),
        ([0, 1], [0, 1.5], r"in \[0, 1\]"),
    ],
)
def test_what_is_no_curve_is_refused(x, y, rule):
    with pytest.raises(ValueError, match=rule):
        Curve(np.array(x, float), np.array(y, float))
