"""Calibration curves and errors by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.evaluation import reliability


def test_error_is_the_mean_gap_weighted_by_the_examples_of_a_bin():
    # (.9, right), (.9, wrong), (.7, right): gaps |1/2 - .9| over two, |1 - .7| over one
    curves = reliability.Reliability(2)
    curves.add(np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7]]), np.array([0, 1, 1]))
    assert curves.top.error == pytest.approx((2 * 0.4 + 0.3) / 3)
    # label 1 against the rest: .1 (0 and 1) and .7 (1)
    assert curves.labels.error[1] == pytest.approx((2 * 0.4 + 0.3) / 3)


def test_batches_add_up_and_empty_bins_are_unknown():
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.ones(3), 100), rng.integers(3, size=100)
    whole, parts = reliability.Reliability(3), reliability.Reliability(3)
    whole.add(probabilities, labels)
    parts.add(probabilities[:40], labels[:40])
    parts.add(probabilities[40:], labels[40:])
    assert parts.labels.error == pytest.approx(whole.labels.error)
    assert whole.top.number[:6].tolist() == [0] * 6  # the best of three is at least 1/3
    assert np.isnan(whole.top.confidence[:6]).all()


def test_probabilities_that_mean_what_they_say_have_no_error():
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(4), 200_000)
    labels = (probabilities.cumsum(axis=1) > rng.random((200_000, 1))).argmax(axis=1)
    curves = reliability.Reliability(4)
    curves.add(probabilities, labels)
    assert curves.top.error < 0.01
    assert (curves.labels.error < 0.01).all()


@pytest.mark.parametrize(("probability", "bin_number"), [(0, 0), (0.05, 0), (0.051, 1), (1, 19)])
def test_bins_are_closed_above(probability, bin_number):
    assert reliability.bin_of(np.array([probability])) == bin_number
