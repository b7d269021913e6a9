from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from database_tools.core import boxes

CORNERS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 5), st.just(4)),
    elements=st.floats(0, 1, width=32, allow_subnormal=False).map(lambda x: round(x, 6)),
)


def test_corners_become_x_y_width_height():
    assert boxes.from_corners([[0.25, 0.5, 0.75, 1.0]]).tolist() == [[0.5, 0.25, 0.5, 0.5]]


@given(CORNERS)
def test_float32_corners_survive_both_ways_exactly(corners):
    back = boxes.to_corners(boxes.from_corners(corners)).astype(np.float32)
    np.testing.assert_array_equal(back, corners)


def test_pixels_both_ways():
    pixels = boxes.to_pixels([[0.5, 0.25, 0.5, 0.5]], width=200, height=100)
    assert pixels.tolist() == [[100, 25, 100, 50]]
    assert boxes.from_pixels(pixels, 200, 100).tolist() == [[0.5, 0.25, 0.5, 0.5]]


def test_iou_of_half_shifted_boxes_is_a_third():
    first, second = [[0, 0, 2, 1]], [[1, 0, 2, 1], [5, 5, 1, 1], [0, 0, 2, 1]]
    np.testing.assert_allclose(boxes.iou(first, second), [[1 / 3, 0, 1]])


def test_iou_of_empty_boxes_is_zero():
    assert boxes.iou([[0, 0, 0, 0]], [[0, 0, 0, 0]]).tolist() == [[0.0]]
