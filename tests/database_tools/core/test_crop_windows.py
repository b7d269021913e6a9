"""Crop windows against numbers worked out by hand and against the original's steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import boxes, crop_windows

NOWHERE = [
    (1.5, 0.5, 0.1, 0.1),
    (-0.5, 0.5, 0.25, 0.1),
    (np.nan, 0, 1, 1),
    (0, 0, np.inf, 1),
    (1e300, 0, 1e300, 1),
    (-1e308, 0, 1e308, 1e308),
    (0.5, 0.5, 0, 0),
    (0.5, 0.5, -0.1, -0.1),
]
"""Boxes that lie outside the picture, or have no side, or no numbers."""


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
    [found] = crop_windows.padded(boxes.from_pixels([box], 128, 64), 128, 64, padding).edges
    assert tuple(found.tolist()) == window


def test_a_box_outside_or_without_numbers_has_no_area():
    assert crop_windows.padded(NOWHERE, 100, 100, 1.69).have_area.tolist() == [False] * len(NOWHERE)
    assert crop_windows.tight(NOWHERE, 100, 100).have_area.tolist() == [False] * len(NOWHERE)
    assert crop_windows.square(NOWHERE, 100, 100).have_area.tolist() == [False] * len(NOWHERE)


def test_no_box_makes_no_window():
    none = np.zeros((0, 4))
    assert len(crop_windows.padded(none, 10, 10, 1.5)) == 0
    assert len(crop_windows.tight(none, 10, 10)) == 0
    assert len(crop_windows.square(none, 10, 10)) == 0


def test_a_factor_past_all_bounds_cuts_the_whole_picture():
    windows = crop_windows.padded([(0.25, 0.25, 0.5, 0.5)], 40, 20, 1e308)
    assert windows.edges.tolist() == [[0, 0, 40, 20]]


@pytest.mark.parametrize(
    ("size", "box", "edges", "side"),
    [
        ((200, 100), (0.1, 0.1, 0.2, 0.5), (15, 10, 65, 60), 50),  # (50 - 40) / 2 to the left
        ((200, 100), (0.85, 0.2, 0.15, 0.6), (140, 20, 200, 80), 60),  # moved in from the right
        ((200, 100), (0, 0, 0.1, 0.5), (0, 0, 50, 50), 50),  # and from the left
        ((200, 100), (0, 0, 1, 1), (0, 0, 200, 100), 200),  # black above and below
        ((100, 200), (0, 0, 1, 0.9), (0, 0, 100, 180), 180),  # black at both sides
        ((200, 100), (0.5, 0.5, 0.001, 0.5), (75, 50, 125, 100), 50),  # thinner than a pixel
    ],
)
def test_squares_by_hand(size, box, edges, side):
    windows = crop_windows.square([box], *size)
    assert windows.edges.tolist() == [list(edges)]
    assert windows.sizes.tolist() == [[side, side]]


def test_legacy_squares_reach_outside_as_the_originals_do():
    windows = crop_windows.square([(0.85, 0.2, 0.15, 0.6)], 200, 100, legacy=True)
    assert windows.edges.tolist() == [[155, 20, 215, 80]]


def test_plain_boxes_are_truncated_and_cut_off():
    rows = [(0.1, 0.1, 0.2, 0.5), (0.95, 0.5, 0.1, 0.999)]
    windows = crop_windows.tight(rows, 200, 100)
    assert windows.edges.tolist() == [[20, 10, 60, 60], [190, 50, 200, 100]]
    assert windows.sizes.tolist() == [[40, 50], [10, 50]]


@given(
    st.lists(st.tuples(*[st.floats()] * 4), max_size=4),
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.floats(1, 1e308),
)
def test_any_numbers_give_windows_inside_the_picture(rows, width, height, padding):
    for windows in (
        crop_windows.padded(np.array(rows).reshape(-1, 4), width, height, padding),
        crop_windows.tight(np.array(rows).reshape(-1, 4), width, height),
        crop_windows.square(np.array(rows).reshape(-1, 4), width, height),
    ):
        assert len(windows) == len(rows)
        edges, sizes = windows.edges[windows.have_area], windows.sizes[windows.have_area]
        assert (edges >= 0).all()
        assert (edges[:, 2:] <= [width, height]).all()
        assert (edges[:, 2:] - edges[:, :2] <= sizes).all()
        assert (sizes <= max(width, height)).all()


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
    windows = crop_windows.padded(boxes.from_corners([corners]), width, height, padding)
    rows, columns = originals_slice(corners, width, height, padding)
    assert windows.have_area[0] == (len(rows) > 0 and len(columns) > 0)
    if len(rows) and len(columns):
        left, top, right, bottom = windows.edges[0]
        assert (rows, columns) == (range(top, bottom), range(left, right))
