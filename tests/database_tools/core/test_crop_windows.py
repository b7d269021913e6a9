"""Crop windows against numbers worked out by hand and against the original's steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import boxes, crop_windows


@pytest.mark.parametrize(
    ("box", "padding", "window"),
    [
        ((40, 30, 20, 10), 2.0, (30, 15, 70, 55)),  # side 40 around (50, 35)
        ((40, 30, 20, 10), 1.0, (40, 25, 60, 45)),  # side 20: tight, 5 px above and below
        ((0, 20, 20, 20), 2.0, (0, 10, 30, 50)),  # at the left edge: cut off, not shifted
        ((100, 50, 20, 10), 2.0, (90, 35, 128, 64)),  # right and bottom edges of 128 x 64
        ((10.5, 10.5, 10.5, 10.5), 1.0, (10, 10, 21, 21)),  # halves are truncated
        ((20, 10, 80, 16), 1.0, (20, 0, 100, 58)),  # 40 px up and down from 18
    ],
)
def test_windows_by_hand(box, padding, window):
    # 128 x 64 pixels: fractions of them are exact in binary
    [found] = crop_windows.around(boxes.from_pixels([box], 128, 64), 128, 64, padding)
    assert tuple(found.tolist()) == window


def test_a_box_outside_or_without_numbers_has_no_area():
    rows = [(1.5, 0.5, 0.1, 0.1), (np.nan, 0, 1, 1), (1e300, 0, 1e300, 1), (0.5, 0.5, 0, 0)]
    windows = crop_windows.around(rows, 100, 100, 1.69)
    assert crop_windows.have_area(windows).tolist() == [False] * 4


def test_no_box_makes_no_window():
    assert crop_windows.around(np.zeros((0, 4)), 10, 10, 1.5).shape == (0, 4)


def originals_slice(corners, width, height, padding):
    """The steps of the original, one box at a time, as slices of an array."""
    box = np.asarray(corners, np.float32) * np.tile([height, width], (2,))
    extent = box[2:] - box[:2]
    offset = (padding * np.max(extent, keepdims=True) - extent) / 2
    crop = box + np.hstack([-offset, offset])
    top, left, bottom, right = np.maximum(0, crop).astype(int)
    rows, columns = range(height)[top:bottom], range(width)[left:right]
    return rows, columns


coordinate = st.floats(0, 1, width=32)


@given(
    st.tuples(coordinate, coordinate, coordinate, coordinate),
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.sampled_from([1.0, 1.3 * 1.3, 2.5]),
)
def test_windows_are_the_originals_to_the_pixel(corners, width, height, padding):
    corners = (*np.minimum(corners[:2], corners[2:]), *np.maximum(corners[:2], corners[2:]))
    windows = crop_windows.around(boxes.from_corners([corners]), width, height, padding)
    rows, columns = originals_slice(corners, width, height, padding)
    assert crop_windows.have_area(windows)[0] == (len(rows) > 0 and len(columns) > 0)
    if len(rows) and len(columns):
        left, top, right, bottom = windows[0]
        assert (rows, columns) == (range(top, bottom), range(left, right))
