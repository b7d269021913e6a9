"""What is accepted, and the risk-coverage curve, by hand."""

from __future__ import annotations

import numpy as np

from tf_classification.evaluation import acceptance


def test_curve_accepts_equal_confidences_together():
    curve = acceptance.risk_coverage(
        np.array([0.9, 0.6, 0.8, 0.6, 0.5]), np.array([True, True, False, False, True])
    )
    assert curve.threshold.tolist() == [0.9, 0.8, 0.6, 0.5]
    assert curve.coverage.tolist() == [0.2, 0.4, 0.8, 1.0]
    assert curve.precision.tolist() == [1, 0.5, 0.5, 0.6]


def test_no_example_has_no_curve():
    curve = acceptance.risk_coverage(np.zeros(0), np.zeros(0, bool))
    assert curve.threshold.tolist() == []


def test_acceptance_is_counted_by_predicted_label_and_by_image():
    accepted = np.array([True, True, False, True])
    predicted, right = np.array([0, 0, 1, 1]), np.array([True, False, True, True])
    found = acceptance.of_labels(accepted, predicted, right, 3)
    assert found.examples.tolist() == [2, 2, 0]
    assert found.accepted.tolist() == [2, 1, 0]
    assert found.right.tolist() == [1, 1, 0]
    assert (found.coverage, found.precision) == (3 / 4, 2 / 3)
    # image a: both accepted, one wrong; b: one of two accepted
    images = acceptance.of_images(["a", "a", "b", "b"], accepted, right)
    assert (images.coverage, images.precision) == (1 / 2, 0)


def test_nothing_accepted_has_no_precision_and_no_interval():
    nothing = np.zeros(3, bool)
    found = acceptance.of_labels(nothing, np.zeros(3, int), ~nothing, 1)
    assert (found.coverage, found.precision) == (0, None)
    assert np.isnan(acceptance.interval(nothing, ~nothing, np.arange(3))).all()


def test_an_image_is_as_sure_as_its_least_sure_crop_and_right_if_all_are():
    sure, right = acceptance.by_image(
        ["b", "a", "b", "c"], np.array([0.9, 0.5, 0.7, 0.8]), np.array([True, True, False, True])
    )
    assert sure.tolist() == [0.5, 0.7, 0.8]
    assert right.tolist() == [True, False, True]
