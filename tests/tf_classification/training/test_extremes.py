"""Which examples are the most extreme, by hand."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tf_classification.training.extremes import Extremes, grid


def outcome(*rows):
    names = ("index", "label", "predicted", "weight", "p_label", "p_best", "p_second")
    return {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def test_right_and_wrong_examples_are_ranked_by_their_lead():
    extremes = Extremes(2)
    extremes.add(
        outcome(
            (10, 0, 0, 1, 0.9, 0.9, 0.1),  # right, 0.8 ahead
            (11, 0, 0, 1, 0.5, 0.5, 0.4),  # right, 0.1 ahead
            (12, 0, 0, 1, 0.7, 0.7, 0.3),  # right, 0.4 ahead
            (13, 0, 1, 1, 0.2, 0.8, 0.2),  # wrong, 0.6 ahead: fp of 1, fn of 0
            (-1, 0, 0, 0, 1.0, 1.0, 0.0),  # only fills the batch
        )
    )
    # drawn again, and changed otherwise: surer, less sure, as sure
    extremes.add(outcome((12, 0, 0, 1, 0.95, 0.95, 0.0), (10, 0, 0, 1, 0.6, 0.6, 0.3)))
    extremes.add(outcome((12, 0, 0, 1, 0.95, 0.95, 0.0), (13, 0, 1, 1, 0.1, 0.9, 0.1)))
    assert list(extremes) == [(0, "fn", [13]), (0, "tp", [12, 10]), (1, "fp", [13])]


def test_a_grid_shows_pictures_side_by_side_and_black_for_what_cannot_be_read():
    red = io.BytesIO()
    Image.new("RGB", (256, 128), "red").save(red, "PNG")
    pictures = {0: red.getvalue(), 1: b""}
    shown = grid([0, 1], lambda rows: [pictures[int(row)] for row in rows])
    assert shown.shape == (128, 256, 3)
    np.testing.assert_array_equal(shown[10, 10], [255, 0, 0])  # shrunk to 128 x 64
    np.testing.assert_array_equal(shown[100, 10], [0, 0, 0])
    assert not shown[:, 128:].any()
