import json
import pickle
from pathlib import Path

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


LESS = {**BOX, "conf": 0.3}


@pytest.mark.parametrize(
    ("entries", "boxes"),
    [
        ([{"detections": [BOX]}, {"failure": "x"}], 1),  # a result wins over a failure
        ([{"detections": []}, {"failure": "x"}], 0),
        ([{"detections": [BOX]}, {"detections": None}], 1),
        ([{"detections": [BOX, LESS]}, {"detections": [BOX, LESS]}], 2),  # the same one
        # as its second number is not finite, it is a failure
        ([{"detections": [BOX]}, {"detections": [{**BOX, "conf": float("nan")}]}], 1),
    ],
)
def test_order_never_decides_about_a_picture_that_is_there_twice(write_json, entries, boxes):
    for order in (entries, entries[::-1]):
        images = [{"file": "other.jpg", "detections": []}]
        images += [{"file": f"{at}a.jpg", **e} for at, e in zip(("", "./"), order, strict=True)]
        assert len(precomputed.read(write_json(images)).find(1, "a.jpg")) == boxes


@pytest.mark.parametrize(
    ("first", "second"),
    [([BOX], []), ([BOX], [LESS]), ([BOX, LESS], [LESS, BOX]), ([BOX], [BOX, LESS])],
)
def test_two_different_results_of_a_picture_are_an_error_with_both_places(
    write_json, first, second
):
    images = [
        {"file": "x.jpg", "detections": []},
        {"file": "a.jpg", "detections": first},
        {"file": "y.jpg", "detections": []},
        {"file": "a.jpg", "failure": "x"},
        {"file": ".\\a.jpg", "detections": second},
    ]
    for order in (images, [*images[:1], images[4], *images[2:4], images[1]]):
        with pytest.raises(UserError, match=r"images\[1\] and images\[4\] \('a.jpg'\): .* differ"):
            precomputed.read(write_json(order))


def test_two_failures_of_a_picture_give_the_same_reason_in_any_order(write_json):
    entries = [{"file": "a.jpg", "failure": "b"}, {"file": "a.jpg", "failure": "a"}]
    for order in (entries, entries[::-1]):
        assert precomputed.read(write_json(order)).find(1, "a.jpg") == Failure("a")


@pytest.mark.parametrize(
    ("there", "asked"), [("cafe\u0301.jpg", "caf\u00e9.jpg"), ("caf\u00e9.jpg", "cafe\u0301.jpg")]
)
def test_names_are_found_in_either_unicode_form(write_json, there, asked):
    found = precomputed.read(write_json([{"file": f"a/{there}", "detections": [BOX]}]))
    assert len(found.find(1, f"a/{asked}")) == 1


def test_a_file_with_both_unicode_forms_keeps_them_apart(write_json):
    images = [
        {"file": "cafe\u0301.jpg", "detections": [BOX]},
        {"file": "caf\u00e9.jpg", "detections": []},
    ]
    found = precomputed.read(write_json(images))
    assert [len(found.find(1, image["file"])) for image in images] == [1, 0]


def test_a_name_that_differs_in_case_is_another_and_is_hinted_at(write_json):
    found = precomputed.read(write_json([{"file": "A/B.JPG", "detections": [BOX]}]))
    assert found.find(1, "a/b.jpg") is None
    assert found.other_case(["x.jpg", "a/b.jpg"]) == ("a/b.jpg", "A/B.JPG")
    assert found.other_case(["x.jpg"]) is None


@pytest.mark.parametrize("asked", ["a/b.jpg", "a\\b.jpg", "./a//b.jpg"])
def test_a_picture_that_the_file_has_as_a_failure_is_not_hinted_at(write_json, asked):
    path = write_json([{"file": "a/b.jpg", "failure": "x"}, {"file": "C.jpg", "detections": []}])
    found = precomputed.read(path)
    assert found.other_case([asked]) is None
    assert found.other_case([asked, "c.jpg"]) == ("c.jpg", "C.jpg")


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("/mnt/d/CamData/site1/a.jpg", "/mnt/d/CamData"),
        ("/mnt/d/CamData/site1/a.jpg", "/mnt//d/./CamData/"),
        ("D:\\CamData\\site1\\a.jpg", "D:\\CamData\\"),
        ("/site1/a.jpg", "/"),
        ("CamData/site1/a.jpg", "CamData"),
    ],
)
def test_the_folder_of_another_machine_is_stripped_and_suggested(write_json, name, prefix):
    path = write_json([{"file": name, "detections": [BOX]}, {"file": "b.jpg", "detections": []}])
    as_it_is = precomputed.read(path)
    assert as_it_is.find(1, "site1/a.jpg") is None
    suggested = as_it_is.prefix(["site1/x.jpg", "site1/a.jpg"])
    for given in (prefix, suggested):
        found = precomputed.read(path, strip_prefix=given)
        assert len(found.find(1, "site1/a.jpg")) == 1
        assert found.find(1, "b.jpg") is not None  # names without it stay


def test_part_of_a_folders_name_is_no_prefix(write_json):
    path = write_json([{"file": "/mnt/CamData/a.jpg", "detections": [BOX]}])
    with pytest.raises(
        UserError, match=r"no name in .* begins with it; one is '/mnt/CamData/a.jpg"
    ):
        precomputed.read(path, strip_prefix="/mnt/Cam")
    assert precomputed.read(path).prefix(["other.jpg"]) is None


@pytest.mark.parametrize(
    ("folder", "given"), [("/data", None), ("/elsewhere", "/data/"), ("/elsewhere", "//data/.")]
)
def test_what_was_stripped_already_is_part_of_the_suggestion(write_json, folder, given):
    path = write_json([{"file": "/data/set/site1/a.jpg", "detections": [BOX]}])
    found = precomputed.read(path, Path(folder), strip_prefix=given)
    assert found.example() == "/data/set/site1/a.jpg"
    suggested = found.prefix(["site1/a.jpg"])
    followed = precomputed.read(path, Path(folder), strip_prefix=suggested)
    assert len(followed.find(1, "site1/a.jpg")) == 1


@pytest.mark.parametrize("given", ["d:\\camdata", "D:/CAMDATA/"])
def test_a_prefix_that_differs_in_case_is_another_and_is_hinted_at(write_json, given):
    path = write_json([{"file": "D:\\CamData\\a.jpg", "detections": [BOX]}])
    with pytest.raises(UserError, match=r"one is 'D:/CamData/a.jpg': case matters"):
        precomputed.read(path, strip_prefix=given)


def test_a_pickle_has_no_prefix(tmp_path):
    path = tmp_path / "detections_final.pkl"
    path.write_bytes(pickle.dumps({}))
    with pytest.raises(UserError, match="a pickle knows images by their ids"):
        precomputed.read(path, strip_prefix="/mnt")


def entry(**changed):
    return {
        "detection_boxes": [[0, 0, 1, 1]],
        "detection_scores": [0.9],
        "detection_classes": [1],
        **changed,
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"detection_scores": [float("nan")]},
        {"detection_boxes": [[0, 0, float("inf"), 1]]},
        {"detection_boxes": [[0, 0, 1e308, 1]]},
        {"detection_classes": [float("nan")]},
    ],
)
def test_numbers_of_a_pickle_that_are_not_finite_are_a_failure(tmp_path, changed):
    path = tmp_path / "detections_final.pkl"
    path.write_bytes(pickle.dumps({1: entry(**changed), 2: entry()}))
    found = precomputed.read(path)
    assert found.find(1, "x.jpg") == Failure("detections that are not finite numbers")
    assert len(found.find(2, "x.jpg")) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"detection_scores": [90]}, "entry 1: conf 90 .* looks like percent"),
        ({"detection_boxes": [[10, 10, 400, 300]]}, "entry 1: bbox 400 .* looks like pixels"),
    ],
)
def test_a_pickle_in_other_units_is_an_error_that_guesses_which(tmp_path, changed, said):
    path = tmp_path / "detections_final.pkl"
    path.write_bytes(pickle.dumps({1: entry(**changed)}))
    with pytest.raises(UserError, match=said):
        precomputed.read(path)
