import json

import pytest

from database_tools.core.errors import FormatError
from database_tools.formats import detection_json

BOX = {"category": "1", "label": "animal", "conf": 0.93, "bbox": [0.1, 0.2, 0.5, 0.25]}
OLD = {
    "filepath": "a\\b.jpg",
    "country": "USA",
    "classifications": {"classes": ["x;elk"], "scores": [0.9]},
    "detections": [BOX],
    "prediction": "x;elk",
    "model_version": "4.0.1a",
}
WHOLE = {"category": "0", "label": "whole_image_classification", "conf": 1, "bbox": [0, 0, 1, 1]}
NEW = {
    "filepath": "a/b.jpg",
    "detections": [WHOLE, {**BOX, "raw_classifications": {"classes": [], "scores": []}}],
}


def write(path, table):
    path.write_text(json.dumps(table))
    return path


@pytest.mark.parametrize(("entry", "place"), [(OLD, 0), (NEW, 1)], ids=["old", "new"])
def test_speciesnet_of_both_styles_gives_its_boxes_at_their_places(tmp_path, entry, place):
    table = {"info": {"format_version": "20261015"}, "predictions": [entry]}
    path = write(tmp_path / "predictions.json", table)
    header = detection_json.read_header(path)
    assert header.detection_categories == {"1": "animal", "2": "person", "3": "vehicle"}
    [image] = detection_json.images(path)
    assert image.file == "a/b.jpg"
    assert (image.boxes[place].category, image.boxes[place].conf) == ("1", 0.93)
    assert image.boxes[place].bbox == (0.1, 0.2, 0.5, 0.25)
    assert all(box.category not in header.detection_categories for box in image.boxes[:place])


def test_failure_of_speciesnets_detector_alone_is_a_failure(tmp_path):
    entries = [
        {"filepath": "a.jpg", "failures": ["CLASSIFIER"], "detections": [BOX]},
        {"filepath": "b.jpg", "failures": ["DETECTOR", "CLASSIFIER"]},
        {"filepath": "c.jpg", "failures": ["GEOLOCATION"]},
    ]
    images = detection_json.images(write(tmp_path / "p.json", {"predictions": entries}))
    found = [(None if i.boxes is None else len(i.boxes), i.failure) for i in images]
    assert found == [(1, None), (None, "inference failure"), (None, None)]


@pytest.mark.parametrize("entry", ["a.jpg", {"filepath": 1}, {"filepath": "a", "detections": [7]}])
def test_prediction_that_breaks_a_rule_is_named(tmp_path, entry):
    path = write(tmp_path / "p.json", {"predictions": [entry]})
    with pytest.raises(FormatError, match=r"p\.json: predictions\[0\]"):
        list(detection_json.images(path))


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ({"info": {}, "detection_categories": {}, "images": []}, "detections"),
        ({"predictions": []}, "predictions"),
        ({"TaskId": 7, "Status": {"message": {}}}, "response"),
        ({"request_status": "completed"}, "response"),
        ({"other": 1}, "detections"),
    ],
)
def test_kind_is_told_by_the_keys(tmp_path, table, kind):
    assert detection_json.kind(write(tmp_path / "x.json", table)) == kind
