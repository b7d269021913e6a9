"""Figures with intervals where there are any, and none where there is none."""

from __future__ import annotations

import numpy as np

from tf_classification.evaluation import figures


def test_a_label_predicted_at_one_location_has_a_precision_and_no_interval():
    # label 1 is predicted at location 0 only, and always rightly there: [0, 100] would say that
    # draws without it were wrong
    locations = np.repeat(np.arange(6), 10)
    labels = np.where((locations == 0) & (np.arange(60) < 5), 1, 0)
    predicted = labels.copy()
    predicted[10::7] = 2
    found = figures.of(labels, predicted, locations, 3)
    low, high = found.intervals["precision"]
    assert found.value("precision")[:2].tolist() == [1, 1]
    assert np.isnan(low[1])
    assert np.isnan(high[1])
    low, high = found.intervals["recall"]
    assert np.isnan(low[1])  # its crops are at one location
    assert 0 < low[0] < found.value("recall")[0] < high[0] <= 1


def test_figures_of_one_location_have_no_interval():
    found = figures.of(np.array([0, 1]), np.array([0, 0]), np.array([3, 3]), 2)
    assert found.headline()["accuracy"] == {"value": 0.5, "interval": None}
    assert found.locations == 1


def test_no_crop_has_no_figures():
    assert figures.of(*[np.zeros(0, int)] * 3, 2) is None
