import json
from datetime import UTC, datetime

import pytest

from database_tools.core.detections import CATEGORY_NAMES, Detections
from database_tools.detections import detection_files
from database_tools.formats import megadetector_json, megadetector_json_1_0
from database_tools.formats.megadetector_json import Box, Image
from database_tools.formats.megadetector_json_1_0 import floor, floored

NOON = datetime(2021, 5, 1, 12, tzinfo=UTC)


def written(path, *images):
    with megadetector_json_1_0.writing(path, CATEGORY_NAMES, NOON) as writer:
        for image in images:
            writer.add(image)
    return path.read_text()


def test_numbers_are_floored_as_the_original_did():
    # measured: a TensorFlow box and its score
    found = Detections.of_corners([[0.1, 0.2, 0.55, 0.777777]], [0.98765], ["1"])
    [box] = floored(detection_files.entry("a.jpg", found)).boxes
    assert box.bbox == (0.2, 0.1, 0.5777, 0.45)
    assert box.conf == 0.987


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (0.98765, 3, 0.987),
        (0.012345, 3, 0.0123),  # significant digits, not places
        (1.0, 3, 1.0),
        (1.9e-9, 3, 0),  # nothing, within 1e-8
        (-0.012341, 4, -0.01235),  # down, not towards zero
    ],
)
def test_floor(value, digits, expected):
    assert floor(value, digits) == expected


def test_the_text_is_the_originals(tmp_path):
    images = (
        Image("é.jpg", (Box("1", 0.987, (0.0, 0.1, 1.0, 0.45)), Box("2", 0.5, (0.5, 0.5, 0.1, 1)))),
        Image("empty.jpg", ()),
        Image("gone.jpg", None, megadetector_json.failure_text("missing")),
        Image("nan.jpg", None, "inference failure"),
    )
    text = written(tmp_path / "md.json", *images)
    expected = {
        "images": [
            {
                "file": "é.jpg",
                "max_detection_conf": 0.987,
                "detections": [
                    {"category": "1", "conf": 0.987, "bbox": [0, 0.1, 1.0, 0.45]},
                    {"category": "2", "conf": 0.5, "bbox": [0.5, 0.5, 0.1, 1]},
                ],
            },
            {"file": "empty.jpg", "max_detection_conf": 0, "detections": []},
            {"file": "gone.jpg", "failure": "Failure image access"},
            {"file": "nan.jpg", "failure": "Failure TF inference"},
        ],
        "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
        "info": {"detection_completion_time": "2021-05-01 12:00:00", "format_version": "1.0"},
    }
    assert text == json.dumps(expected, indent=1)
    assert written(tmp_path / "none.json") == json.dumps({**expected, "images": []}, indent=1)


def test_it_is_read_as_every_other_version(tmp_path):
    image = Image("a.jpg", (Box("1", 0.987, (0.2, 0.1, 0.5777, 0.45)),))
    written(tmp_path / "md.json", image)
    assert list(megadetector_json.images(tmp_path / "md.json")) == [image]
