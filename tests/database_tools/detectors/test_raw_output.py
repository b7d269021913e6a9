import numpy as np
import pytest

from database_tools.core import reasons
from database_tools.core.detections import Failure
from database_tools.detectors import batched, raw_output


def outputs(**changed):
    arrays = {
        "detection_boxes": np.array([[[0.1, 0.2, 0.3, 0.6], [0, 0, 1, 1]]], np.float32),
        "detection_scores": np.array([[0.9, 0.4]], np.float32),
        "detection_classes": np.array([[1.0, 2.0]], np.float32),
    }
    return arrays | changed


def test_object_detection_apis_arrays_become_detections():
    [found] = raw_output.split(outputs())
    assert np.allclose(found.boxes, [[0.2, 0.1, 0.4, 0.2], [0, 0, 1, 1]])
    assert found.scores.tolist() == [np.float32(0.9), np.float32(0.4)]
    assert found.categories == ("1", "2")


@pytest.mark.parametrize("count", [np.array([1.0], np.float32), np.array([1]), np.array([[1]])])
def test_rows_behind_num_detections_do_not_count(count):
    [found] = raw_output.split(outputs(num_detections=count))
    assert found.categories == ("1",)


def test_more_detections_than_rows_are_all_rows():
    [found] = raw_output.split(outputs(num_detections=np.array([300])))
    assert len(found) == 2


def test_boxes_beyond_the_picture_stay_as_the_detector_gives_them():
    boxes = np.array([[[-0.1, 0, 1.2, 1], [0, 0, 1, 1]]], np.float32)
    [found] = raw_output.split(outputs(detection_boxes=boxes))
    assert np.array_equal(found.corners(), boxes[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_picture_with_numbers_that_are_not_finite_is_a_failure(bad):
    for arrays in (
        {"detection_scores": np.array([[bad, 0.4]], np.float32)},
        {"detection_boxes": np.array([[[0, 0, 1, bad], [0, 0, 1, 1]]], np.float32)},
        {"detection_classes": np.array([[bad, 2]], np.float32)},
        {"num_detections": np.array([bad], np.float32)},
    ):
        assert raw_output.split(outputs(**arrays)) == [Failure(reasons.NOT_FINITE)]
    late = np.array([[0.9, bad]], np.float32)
    [found] = raw_output.split(outputs(detection_scores=late, num_detections=np.array([1])))
    assert len(found) == 1  # the row does not count


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"detection_scores": np.array([[90, 40]], np.float32)}, "conf 90 .* looks like percent"),
        ({"detection_scores": np.array([[0.9, -3]], np.float32)}, "looks like a logit"),
        (
            {"detection_boxes": np.array([[[9, 8, 700, 640], [0, 0, 1, 1]]], np.float32)},
            "bbox 700 .* looks like pixels",
        ),
    ],
)
def test_numbers_of_other_units_are_an_error_that_guesses_which(arrays, said):
    with pytest.raises(ValueError, match=said):
        raw_output.split(outputs(**arrays))


def test_a_row_that_is_never_kept_may_have_any_box():
    boxes = np.array([[[0, 0, 1, 1], [-90, 0, 300, 1]]], np.float32)
    scores = np.array([[0.9, 0.001]], np.float32)
    [found] = raw_output.split(outputs(detection_boxes=boxes, detection_scores=scores))
    assert len(found) == 2


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match=r"got detection_boxes \(1, 2, 4\)"):
        raw_output.split(outputs(detection_scores=np.zeros((1, 3), np.float32)))


def info(height, width, scale, offset=(0, 0)):
    return np.array([[(height, width), (640, 640), (scale, scale), offset]], np.float32)


def test_tf_visions_pixels_go_back_to_the_picture():
    # 400 x 800 is scaled by 0.8 to 320 x 640; below it is padding.
    boxes = np.array([[[32, 64, 160, 640], [160, 0, 640, 320]]], np.float32)
    [found] = raw_output.split(
        outputs(
            detection_boxes=boxes,
            image_info=info(400, 800, 0.8),
            detection_classes=np.array([[1, 3]], np.int32),
        )
    )
    # Corners: (32/0.8/400, 64/0.8/800) = (0.1, 0.1); (160/0.8/400, 640/0.8/800) = (0.5, 1);
    # the second reaches into the padding and is clipped at 1.
    expected = [[0.1, 0.1, 0.5, 1], [0.5, 0, 1, 0.5]]
    assert np.allclose(found.corners(), expected, atol=1e-6)
    assert found.categories == ("1", "3")


def test_tf_visions_offset_is_what_was_cut_off_after_scaling():
    boxes = np.array([[[0, 10, 100, 110], [0, 0, 0, 0]]], np.float32)
    [found] = raw_output.split(
        outputs(detection_boxes=boxes, image_info=info(400, 400, 0.5, (50, 20)))
    )
    # (0 + 50) / 0.5 / 400 = 0.25; (10 + 20) / 0.5 / 400 = 0.15; (100 + 50) ... = 0.75; 0.65
    assert np.allclose(found.corners()[0], [0.25, 0.15, 0.75, 0.65])


def test_tf_vision_exported_with_normalised_boxes_is_left_alone():
    [found] = raw_output.split(outputs(image_info=info(400, 800, 0.8)))
    assert np.array_equal(found.corners(), outputs()["detection_boxes"][0])


@pytest.mark.parametrize(
    ("shapes", "cut"),
    [
        ([], []),
        ([(4, 6)] * 5, [[0, 1], [2, 3], [4]]),
        ([(4, 6), (6, 4), (4, 6), (6, 4), (4, 6)], [[0, 2], [1, 3], [4]]),
        ([(9, 9), (4, 6), (9, 9)], [[0], [1], [2]]),  # 81 pixels: 2 of them are more than 100
        ([(99, 99)] * 2, [[0], [1]]),  # larger than a batch may be: alone
    ],
)
def test_pictures_of_one_size_go_together(shapes, cut):
    assert batched.of_equal_size(shapes, 2, most_pixels=100) == cut
