import json
import pickle

import numpy as np
import pytest

from database_tools.core.detections import Failure
from database_tools.core.errors import UserError
from database_tools.detectors import precomputed

BOX = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.5, 0.25]}


@pytest.fixture
def write_json(tmp_path):
    def write(images, categories=None):
        path = tmp_path / "md.json"
        table = {
            "info": {"format_version": "1.0", "detector": "megadetector_v4.1"},
            "detection_categories": categories or {"1": "animal", "2": "person", "4": "vehicle"},
            "images": images,
        }
        path.write_text(json.dumps(table))
        return path

    return write


def test_json_knows_pictures_by_file_name(write_json):
    images = [
        {"file": "a\\b.jpg", "detections": [BOX]},
        {"file": "./c.jpg", "detections": []},
        {"file": "bad.jpg", "failure": "Failure image access"},
        {"file": "null.jpg", "detections": None},
    ]
    found = precomputed.read(write_json(images))
    assert found.name == "megadetector_v4.1"
    assert found.categories["3"] == "vehicle"  # "4" in version 1.0
    assert np.allclose(found.find("id", "a/b.jpg").boxes, [BOX["bbox"]])
    assert len(found.find("id", "c.jpg")) == 0
    assert found.find("id", "bad.jpg") == Failure("Failure image access")
    assert found.find("id", "null.jpg") == Failure("not processed")
    assert found.find("a/b.jpg", "other.jpg") is None
    assert found.example() == "a/b.jpg"


def test_box_of_an_unknown_category_is_no_box(write_json):
    images = [{"file": "a.jpg", "detections": [{**BOX, "category": "9"}, BOX]}]
    assert precomputed.read(write_json(images)).find(1, "a.jpg").categories == ("1",)


def test_absolute_names_inside_the_folder_of_pictures_match(write_json, tmp_path):
    images = [{"file": str(tmp_path / "pictures" / "a.jpg"), "detections": [BOX]}]
    path = write_json(images)
    assert precomputed.read(path, tmp_path / "pictures").find(1, "a.jpg") is not None
    assert precomputed.read(path, tmp_path / "else").find(1, "a.jpg") is None


def test_pickle_knows_pictures_by_image_id_of_the_same_type(tmp_path):
    entry = {"detection_boxes": [[0, 0, 1, 1]], "detection_scores": [0.9], "detection_classes": [2]}
    path = tmp_path / "detections_final.pkl"
    path.write_bytes(pickle.dumps({7: entry, "a.jpg": entry}))
    found = precomputed.read(path)
    assert found.find(7, "x.jpg").categories == ("2",)
    assert found.find("7", "x.jpg") is None
    # convert_json_detections_to_pickle.py wrote file names in the place of ids
    assert found.find("some id", "a.jpg") is not None
    assert found.categories["1"] == "animal"


def test_pickle_has_the_names_of_its_twin(tmp_path, write_json):
    write_json([], {"1": "deer"}).rename(tmp_path / "detections_final.json")
    path = tmp_path / "detections_final.pkl"
    path.write_bytes(pickle.dumps({}))
    assert precomputed.read(path).categories == {"1": "deer"}
    (tmp_path / "detections_final.json").write_text("[]")
    assert precomputed.read(path).categories["1"] == "animal"


@pytest.mark.parametrize(
    ("own", "other", "ids"),
    [
        ({"1": "animal", "4": "vehicle"}, {}, {"1": "1", "4": "4"}),
        ({"1": "animal", "4": "vehicle"}, {"1": "animal", "3": "vehicle"}, {"1": "1", "4": "3"}),
        ({"0": "animal", "1": "human"}, {"1": "animal"}, {"0": "1", "1": "2"}),  # 1 is taken
        ({"x": "animal", "5": "boat"}, {}, {"x": "1", "5": "5"}),  # not a number
        ({"1": "deer", "2": "animal"}, {"1": "animal"}, {"1": "2", "2": "1"}),
    ],
)
def test_categories_of_two_tables_get_one_numbering(own, other, ids):
    assert precomputed.same_ids(own, other) == ids


def test_boxes_carry_the_detectors_ids(write_json):
    path = write_json([{"file": "a.jpg", "detections": [{**BOX, "category": "4"}]}])
    found = precomputed.read(path, categories={"1": "vehicle", "2": "animal"})
    assert found.find(1, "a.jpg").categories == ("1",)
    assert found.categories == {"2": "animal", "3": "person", "1": "vehicle"}


@pytest.mark.parametrize("name", ["none.json", "none.pkl", "detections.csv"])
def test_what_is_no_detection_file_is_said(tmp_path, name):
    if name.endswith(".csv"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"no such detection file|ends in .pkl or .json"):
        precomputed.read(tmp_path / name)
