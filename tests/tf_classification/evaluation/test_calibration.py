"""A calibration finds what was done to the logits."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.evaluation import calibration
from tf_classification.evaluation.reliability import Reliability
from tf_classification.evaluation.request import METHODS
from tf_classification.models.calibration import Calibration


def sure_logits(factor, number=20_000, num_labels=5, seed=0):
    """Draw labels from the softmax of logits, and return the logits times ``factor``."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(number, num_labels))
    # the largest of logits plus Gumbel noise is a draw from their softmax
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return (factor * logits).astype(np.float32), labels


def error(calibrated, logits, labels):
    curves = Reliability(logits.shape[1])
    curves.add(calibrated.probabilities(logits), labels)
    return curves.top.error


@pytest.mark.parametrize("factor", [0.4, 1, 3])
def test_a_known_temperature_is_recovered(factor):
    found = calibration.fit("temperature", *sure_logits(factor))
    assert found.temperature == pytest.approx(factor, rel=0.02)
    assert found.curves is None


@pytest.mark.parametrize("method", METHODS)
def test_calibration_holds_on_other_examples(method):
    found = calibration.fit(method, *sure_logits(3))
    others = sure_logits(3, seed=1)
    assert error(Calibration(), *others) > 0.1
    assert error(found, *others) < 0.02


def test_isotonic_mends_what_no_temperature_can():
    logits, labels = sure_logits(1)
    # label 0 is claimed too often: its logit has 3 added
    shifted = logits + 3 * (np.arange(5) == 0)
    halves = (shifted[:10_000], labels[:10_000]), (shifted[10_000:], labels[10_000:])
    before, after = (error(calibration.fit(m, *halves[0]), *halves[1]) for m in METHODS)
    assert after < 0.6 * before


def test_isotonic_keeps_the_order_of_two_crops_and_calls_nothing_impossible():
    logits, labels = sure_logits(2, number=300)
    found = calibration.fit("isotonic", logits, labels)
    for curve in found.curves:
        assert (np.diff(curve.y) > 0).all()
    assert found.probabilities(logits).min() > 0


def test_a_label_with_few_examples_keeps_its_probability():
    logits, labels = sure_logits(1, number=500)
    found = calibration.fit("isotonic", logits, np.where(labels == 4, 3, labels))
    assert (found.curves[4].x, found.curves[4].y) == ((0, 1), (0, 1))


def test_examples_that_are_all_right_leave_a_doubt():
    logits, labels = np.eye(2, dtype=np.float32)[[0] * 98], np.zeros(98, int)
    found = calibration.fit("temperature", logits, labels)
    # e = 1 / (98 + 2); softmax([1, 0] / t) = [.99, .01] at 1 / t = log 99
    assert found.temperature == pytest.approx(1 / np.log(99), rel=1e-4)


def test_hopeless_logits_end_at_the_bound():
    logits = -np.eye(3, dtype=np.float32)
    assert calibration.fit("temperature", logits, np.arange(3)).temperature == pytest.approx(100)


def test_nothing_to_calibrate_with_is_an_error():
    with pytest.raises(ValueError, match="no validation example"):
        calibration.fit("temperature", np.zeros((0, 3)), np.zeros(0, int))
