"""Figures from the sums of an epoch, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tf_classification.training.tally import Tally


def test_scores_are_those_computed_by_hand():
    # label 0: 3 of 4 right; label 1: 1 of 1; label 2 has no example
    tally = Tally(
        np.array([[3.0, 1, 0], [0, 1, 0], [0, 0, 0]]),
        loss=np.array([2.0, 1.0, 0.0]),
        top3=np.array([4.0, 1.0, 0.0]),
    )
    scores = tally.scores()
    assert scores["loss"] == pytest.approx(3 / 5)
    assert scores["acc_top1"] == pytest.approx(80)
    assert scores["acc_top3"] == pytest.approx(100)
    assert scores["loss_weighted"] == pytest.approx((2 / 4 + 1 / 1) / 2)
    assert scores["acc_weighted_top1"] == pytest.approx(100 * (0.75 + 1) / 2)
    np.testing.assert_array_equal(tally.recalls, [0.75, 1, np.nan])


def test_without_examples_scores_are_nan():
    empty = Tally(np.zeros((2, 2)), np.zeros(2), np.zeros(2))
    assert all(math.isnan(value) for value in empty.scores().values())
