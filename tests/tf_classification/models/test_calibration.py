"""From logits to probabilities, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tf_classification.models.calibration import Calibration, CalibrationCurve


def test_plain_softmax_is_the_default():
    # e^ln3 : e^0 = 3 : 1
    assert Calibration().probabilities([[math.log(3), 0.0]]) == pytest.approx(
        np.array([[0.75, 0.25]])
    )


def test_temperature_divides_the_logits():
    # ln9 / 2 = ln3
    assert Calibration(2.0).probabilities([[math.log(9), 0.0]]) == pytest.approx(
        np.array([[0.75, 0.25]])
    )


def test_curves_bend_each_label_and_the_row_is_divided_by_its_sum():
    first, second = CalibrationCurve((0.5, 1.0), (0.2, 0.8)), CalibrationCurve((0.25,), (0.5,))
    # softmax .75 .25; first curve half way: .5; second is constant: .5
    found = Calibration(1.0, (first, second)).probabilities([[math.log(3), 0.0]])
    assert found == pytest.approx(np.array([[0.5, 0.5]]))


def test_a_row_that_the_curves_send_to_zero_stays_as_it_was():
    nothing = CalibrationCurve((0.5,), (0.0,))
    found = Calibration(1.0, (nothing, nothing)).probabilities([[math.log(3), 0.0]])
    assert found == pytest.approx(np.array([[0.75, 0.25]]))


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(),
        Calibration(2.0),
        Calibration(3.0, (CalibrationCurve((0.0, 1.0), (0.1, 0.8)),) * 3),
    ],
)
def test_softmax_of_calibrated_logits_is_the_calibrated_probability(calibration):
    logits = np.array([[2.0, 0.5, -1.0], [0.0, 30.0, 29.0]])
    powers = np.exp(calibration.logits(logits))
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert calibration.probabilities(logits) == pytest.approx(expected, abs=1e-6)


def test_large_logits_do_not_overflow():
    assert Calibration(0.01).probabilities([[100.0, -100.0]]).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ((), (), "at least one"),
        ((0.1, 0.2), (0.1,), "as many x as y"),
        ((0.1, 0.105), (0.1, 0.2), "rise by at least 0.01"),  # a step that amplifies rounding
        ((0.1, 0.2), (0.3, 0.2), "must not fall"),
        ((0.1, 1.2), (0.3, 0.4), r"in \[0, 1\]"),
    ],
)
def test_an_impossible_curve_is_refused(x, y, reason):
    with pytest.raises(ValueError, match=reason):
        CalibrationCurve(x, y)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_an_impossible_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="above 0"):
        Calibration(temperature)


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(),
        Calibration(1.7),
        Calibration(1.0, (CalibrationCurve((0.1, 0.9), (0, 1)),) * 2),
    ],
)
def test_calibration_survives_json(calibration):
    assert Calibration.from_json(calibration.to_json(["a", "b"]), ["a", "b"]) == calibration


def test_curves_of_other_labels_are_refused():
    table = Calibration(1.0, (CalibrationCurve((0.1,), (0.2,)),)).to_json(["deer"])
    with pytest.raises(ValueError, match="not those of the labels"):
        Calibration.from_json(table, ["fox"])
