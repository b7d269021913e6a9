import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core.category_guard import PICTURES, CategoryGuard
from database_tools.core.detection_table import DetectionTable
from database_tools.core.detections import CATEGORY_NAMES, Detections, Failure
from database_tools.core.errors import UserError

FLOAT32 = st.floats(0, 1, width=32)
SIDE = st.tuples(FLOAT32, FLOAT32).map(sorted)
CORNERS = st.lists(
    st.tuples(SIDE, SIDE).map(lambda s: (s[0][0], s[1][0], s[0][1], s[1][1])), max_size=5
)


def boxes_of(*pairs):
    """Detections of one box for each (category, score)."""
    categories = [category for category, _ in pairs]
    return Detections.of_corners(
        [[0, 0, 1, 1]] * len(pairs), [score for _, score in pairs], categories
    )


@given(CORNERS)
def test_a_detectors_corners_come_back_exactly(corners):
    rows = np.array(corners, np.float32).reshape(-1, 4)
    found = Detections.of_corners(rows, [0.5] * len(rows), ["1"] * len(rows))
    assert np.array_equal(found.corners(), rows)


def test_numbers_are_rounded_to_float32_once():
    found = Detections.of_corners([[0.1, 0.2, 0.3, 0.4]], [0.7], ["1"])
    assert found.scores[0] == np.float64(np.float32(0.7)) != 0.7
    assert found.boxes[0, 0] == np.float64(np.float32(0.2))


@pytest.mark.parametrize(
    ("score", "threshold", "kept"),
    [
        (0.5, 0.5, True),  # "confidence 0.5 or above"
        (0.7, 0.7, True),  # 0.69999999 as float32, still what the detector calls 0.7
        (0.8, 0.8, True),  # 0.80000001
        (np.nextafter(np.float32(0.5), np.float32(0)), 0.5, False),
    ],
)
def test_threshold_is_compared_as_the_detector_computes(score, threshold, kept):
    assert boxes_of(("1", score)).at_least(threshold).tolist() == [kept]


def test_table_gives_back_what_was_added():
    table = DetectionTable()
    table.add("a", [[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]], [0.9, 0.1], ["1", "27"])
    table.add_failure(7, "truncated")
    table.add("7", np.empty((0, 4)), [], [])
    assert len(table) == 3
    assert list(table) == ["a", 7, "7"]
    assert "a" in table
    assert table.get("a").categories == ("1", "27")
    assert np.array_equal(table.get("a").corners()[1], [0, 0, 1, 1])
    assert table.get(7) == Failure("truncated")
    assert len(table.get("7")) == 0
    assert table.get("b") is None


def test_later_entry_of_a_table_counts():
    table = DetectionTable()
    table.add("a", [[0, 0, 1, 1]], [0.9], ["1"])
    table.add_failure("a", "missing")
    assert len(table) == 1
    assert table.get("a") == Failure("missing")


def test_guard_stops_at_the_hundredth_picture_and_names_the_flag():
    guard = CategoryGuard(frozenset("1"), 0.5, CATEGORY_NAMES)
    for _ in range(PICTURES - 1):
        guard.see(boxes_of(("2", 0.9), ("1", 0.49)))
    with pytest.raises(UserError, match=r'99 of 2 \("person"\).*--detection_category 2'):
        guard.see(boxes_of())


@pytest.mark.parametrize(
    ("wanted", "first", "others"),
    [
        ("1", boxes_of(("1", 0.5)), boxes_of(("2", 0.9))),  # one animal among people
        ("1", boxes_of(), boxes_of()),  # empties tell nothing
        ("1", Failure("missing"), Failure("missing")),  # nor do failures
        ("2", boxes_of(("2", 0.9)), boxes_of(("2", 0.9))),
        (None, boxes_of(("2", 0.9)), boxes_of(("2", 0.9))),  # any
    ],
)
def test_guard_lets_usual_beginnings_pass(wanted, first, others):
    guard = CategoryGuard(wanted and frozenset(wanted), 0.5, CATEGORY_NAMES)
    guard.see(first)
    for _ in range(PICTURES - 2):
        guard.see(others)
    assert guard.done == (wanted is None)
    guard.see(others)
    assert guard.done != isinstance(first, Failure)
    guard.see(boxes_of(("2", 0.9)))
