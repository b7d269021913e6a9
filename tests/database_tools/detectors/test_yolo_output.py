import numpy as np
import pytest

from database_tools.core.detections import Failure
from database_tools.detectors import yolo_output
from database_tools.detectors.yolo_output import FINAL, OBJECTNESS, PLAIN, Place

WIDE = Place(0, 16, 64, 32)  # a 200 x 100 picture in an input of 64 x 64


def test_a_picture_lies_in_the_middle_of_grey():
    pixels, place = yolo_output.letterbox(np.full((100, 200, 3), 255, np.uint8), 64, 64)
    assert place == WIDE
    assert pixels.shape == (3, 64, 64)
    assert pixels.dtype == np.float32
    assert (pixels[:, 16:48] == 1).all()
    assert (pixels[:, :16] == np.float32(114 / 255)).all()
    assert (pixels[:, 48:] == np.float32(114 / 255)).all()
    red = np.zeros((30, 10, 3), np.uint8)
    red[..., 0] = 255
    pixels, place = yolo_output.letterbox(red, 64, 48)  # small ones grow; red stays first
    assert place == Place(24, 0, 16, 48)
    assert pixels[:, 24, 32].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("shape", "classes", "layout"),
    [
        ((25200, 8), 3, OBJECTNESS),  # YOLOv5 at 640: 3 anchors of 80² + 40² + 20² cells
        ((102000, 8), None, OBJECTNESS),
        ((25200, 6), 1, OBJECTNESS),  # one class, not the six columns of NMS
        ((25200, 6), None, OBJECTNESS),
        ((7, 8400), 3, PLAIN),
        ((84, 8400), None, PLAIN),
        ((5, 8400), 1, PLAIN),
        ((300, 6), 3, FINAL),
        ((300, 6), 1, FINAL),
        ((0, 6), None, FINAL),  # as many rows as there are boxes
        ((8400, 7), 4, None),  # names and columns that differ
        ((39, 8400), 3, None),  # with 32 coefficients of masks
        ((4, 8400), None, None),
    ],
)
def test_an_output_is_recognised_by_its_shape(shape, classes, layout):
    size = (1280, 1280) if shape[0] == 102000 else (640, 640)
    assert yolo_output.layout_of(*shape, size, classes, final=False) == layout


def test_metadata_that_says_nms_is_believed():
    assert yolo_output.layout_of(25200, 6, (640, 640), 1, final=True) == FINAL
    assert yolo_output.layout_of(25200, 8, (640, 640), 3, final=True) is None


# centre (32, 32), 32 x 16 in the input: x 16..48 of 64, y (24 - 16)..(40 - 16) of 32
BOX = [32, 32, 32, 16]
CORNERS = [0.25, 0.25, 0.75, 0.75]


@pytest.mark.parametrize(
    ("layout", "output"),
    [
        (OBJECTNESS, [[*BOX, 0.5, 0.2, 0.8]]),  # 0.5 x 0.8
        (PLAIN, np.transpose([[*BOX, 0.1, 0.4]])),
        (FINAL, [[16, 24, 48, 40, 0.4, 1]]),
    ],
)
def test_three_layouts_say_the_same(layout, output):
    found = yolo_output.detections(np.array(output), layout, WIDE)
    assert found.categories == ("2",)  # index 1
    assert found.scores == pytest.approx([0.4])
    assert found.corners()[0].tolist() == CORNERS


def test_of_boxes_of_a_class_that_overlap_the_surest_stays():
    boxes = [
        [32, 32, 32, 16, 0.7, 0],  # the same as the third, less sure: gone
        [32, 32, 32, 16, 0, 0.6],  # of another class: stays
        [32, 32, 32, 16, 0.9, 0],
        [48, 32, 32, 16, 0.8, 0],  # a third of the union with the third: stays
        [10, 32, 4, 4, 0.004, 0],  # below what is ever kept
    ]
    found = yolo_output.detections(np.transpose(boxes), PLAIN, WIDE)
    assert found.scores == pytest.approx([0.9, 0.8, 0.6])
    assert found.categories == ("1", "1", "2")
    assert found.corners()[1].tolist() == pytest.approx([0.25, 0.5, 0.75, 1])


def test_boxes_that_reach_into_the_grey_are_clipped():
    found = yolo_output.detections(np.array([[-8, 0, 32, 64, 0.9, 0]]), FINAL, WIDE)
    assert found.corners()[0].tolist() == [0, 0, 1, 0.5]


def test_a_crowd_is_cut_at_300():
    corners = np.array([[2 * i, 0, 2 * i + 1, 1] for i in range(400)], float)
    assert yolo_output.suppress(corners, np.zeros(400)) == list(range(300))


def test_numbers_that_are_none():
    broken = np.array([[*BOX, np.nan, 1]])
    assert yolo_output.detections(broken, OBJECTNESS, WIDE) == Failure(
        "detections that are not finite numbers"
    )
    with pytest.raises(ValueError, match="looks like a logit"):
        yolo_output.detections(np.array([[*BOX, 1, -3.5]]), OBJECTNESS, WIDE)
