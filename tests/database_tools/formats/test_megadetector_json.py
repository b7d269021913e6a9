import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from database_tools.core.errors import FormatError, UserError
from database_tools.formats import megadetector_json
from database_tools.formats.megadetector_json import Box, Header, Image

NAMES = {"1": "animal", "2": "person", "3": "vehicle"}
HEADER = Header({"detector": "md_v4.1.0.pb"}, NAMES)
BOX = {"category": "1", "conf": 0.926, "bbox": [0.1, 0.2, 0.5, 0.25]}
READ_BOX = Box("1", 0.926, (0.1, 0.2, 0.5, 0.25))

# What each version of the format has that the others do not.
VERSIONS = {
    "1.0": (
        {"1": "animal", "2": "person", "4": "vehicle"},
        {"file": "a\\b.jpg", "max_detection_conf": 0.926, "detections": [BOX], "meta": "x"},
        Image("a/b.jpg", (READ_BOX,), None, {"meta": "x"}),
    ),
    "1.1": (
        NAMES,
        {"file": "b.jpg", "failure": "Failure image access"},
        Image("b.jpg", None, "Failure image access"),
    ),
    "1.2": (
        NAMES,
        {"file": "c.jpg", "max_detection_conf": 0, "detections": []},
        Image("c.jpg", ()),
    ),
    "1.3": (
        NAMES,
        {"file": "c.jpg", "detections": [{**BOX, "conf": 1, "bbox": [0, 0, 1, 1]}]},
        Image("c.jpg", (Box("1", 1.0, (0.0, 0.0, 1.0, 1.0)),)),
    ),
    "1.4": (
        NAMES,
        {"file": "v.mp4", "frame_rate": 30.0, "detections": [{**BOX, "frame_number": 7}]},
        Image(
            "v.mp4",
            (Box("1", 0.926, READ_BOX.bbox, (), {"frame_number": 7}),),
            None,
            {"frame_rate": 30.0},
        ),
    ),
    "1.5": (
        NAMES,
        {"file": "b.jpg", "failure": "image access failure", "detections": None},
        Image("b.jpg", None, "image access failure"),
    ),
    "1.6": (
        NAMES,
        {"file": "c.jpg", "detections": [{**BOX, "classifications": [["0", 0.9], ["3", 0.05]]}]},
        Image("c.jpg", (Box("1", 0.926, READ_BOX.bbox, (("0", 0.9), ("3", 0.05))),)),
    ),
}


def written(path, table):
    path.write_text(json.dumps(table), encoding="utf-8")
    return path


def output(image, categories=NAMES, version="1.6"):
    return {
        "images": [image],
        "detection_categories": categories,
        "info": {"detector": "megadetector_v4.1", "format_version": version},
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", [str, float])
def test_every_version_is_read(tmp_path, version, kind):
    categories, entry, image = VERSIONS[version]
    path = written(tmp_path / "md.json", output(entry, categories, kind(version)))
    header = megadetector_json.read_header(path)
    assert header.info == {"detector": "megadetector_v4.1", "format_version": version}
    assert header.detection_categories == categories
    assert list(megadetector_json.images(path)) == [image]


def test_byte_order_mark_other_keys_and_classes_are_read(tmp_path):
    table = output({"file": "a.jpg", "detections": []})
    table |= {"classification_categories": {"0": "fox"}, "notes": ["x"]}
    path = tmp_path / "md.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(table).encode())
    header = megadetector_json.read_header(path)
    assert header.classification_categories == {"0": "fox"}
    assert header.extra == {"notes": ["x"]}


def test_failure_with_an_empty_list_is_not_an_empty_picture(tmp_path):
    entry = {"file": "a.jpg", "failure": "inference failure", "detections": []}
    [image] = megadetector_json.images(written(tmp_path / "md.json", output(entry)))
    assert image.boxes is None


def test_a_picture_without_detections_or_failure_was_not_processed(tmp_path):
    path = written(tmp_path / "md.json", output({"file": "a.jpg", "detections": None}))
    assert [*megadetector_json.images(path)] == [Image("a.jpg", None)]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"detections": []}, r'images\[0\] \(null\): expected an object with "file"'),
        ("a.jpg", 'expected an object with "file"'),
        ({"file": "a.jpg", "detections": {}}, "detections are not a list"),
        ({"file": "a.jpg", "detections": [{"conf": 1, "bbox": [0, 0, 1, 1]}]}, "'category'"),
        ({"file": "a.jpg", "detections": [{**BOX, "conf": "0.9"}]}, 'a number, got "0.9"'),
        ({"file": "a.jpg", "detections": [{**BOX, "conf": True}]}, "a number, got true"),
        ({"file": "a.jpg", "detections": [{**BOX, "conf": 92.6}]}, "92.6 .* looks like percent"),
        ({"file": "a.jpg", "detections": [{**BOX, "conf": -2}]}, "-2 .* looks like a logit"),
        ({"file": "a.jpg", "detections": [BOX, {**BOX, "bbox": [9, 8, 90, 50]}]}, "like pixels"),
        ({"file": "a.jpg", "detections": [{**BOX, "bbox": [0, 0, 1]}]}, "bbox: expected 4"),
        ({"file": "a.jpg", "detections": [{**BOX, "bbox": None}]}, "bbox: expected 4"),
        ({"file": "a.jpg", "detections": ["box"]}, "images"),
    ],
)
def test_image_that_breaks_a_rule_is_named(tmp_path, entry, said):
    path = written(tmp_path / "md.json", output(entry))
    with pytest.raises(FormatError, match=said):
        list(megadetector_json.images(path))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([], "expected an object"),
        ({"info": {}}, 'no list "images"'),
        ({"images": [], "info": {"format_version": "1.6"}}, 'no "detection_categories"'),
        # a label file of COCO Camera Traps
        ({"images": [], "categories": [], "annotations": []}, "its keys are .*'categories'"),
        (output({}, ["animal"]), "detection_categories"),
    ],
)
def test_file_of_another_kind_is_refused(tmp_path, table, said):
    with pytest.raises(FormatError, match=said):
        megadetector_json.read_header(written(tmp_path / "md.json", table))


NO_INFO = output({"file": "a.jpg", "detections": [BOX]})
del NO_INFO["info"]


@pytest.mark.parametrize(
    "info", [None, {}, [], "mine", {"detector": "x"}, {"format_version": None}]
)
def test_a_writer_without_version_is_read_with_a_warning(tmp_path, caplog, info):
    for table in (NO_INFO, {**NO_INFO, "info": info}):
        path = written(tmp_path / "md.json", table)
        header = megadetector_json.read_header(path)
        assert header.detection_categories == NAMES
        assert [image.boxes for image in megadetector_json.images(path)] == [(READ_BOX,)]
        assert 'no "format_version"' in caplog.text
        caplog.clear()


@pytest.mark.parametrize("version", ["3.0", 2, "20261015", "v1"])
def test_the_version_of_another_tool_is_read_with_a_warning(tmp_path, caplog, version):
    path = written(tmp_path / "md.json", {**NO_INFO, "info": {"format_version": version}})
    assert megadetector_json.read_header(path).info == {"format_version": str(version)}
    assert f"format_version {version} is not one of 1.0 to 1.6" in caplog.text


@pytest.mark.parametrize(
    "box",
    [
        {"conf": float("nan")},
        {"conf": float("inf")},
        {"conf": 1e300},  # of float64, and infinite as float32
        {"bbox": [0, 0, float("nan"), 1]},
        {"bbox": [1e308, 0, 1e308, 1]},
        {"bbox": [0, 0, 10**400, 1]},
        {"classifications": [["0", float("nan")]]},
    ],
)
def test_a_picture_with_numbers_that_are_not_finite_is_a_failure(tmp_path, box):
    entry = {"file": "a.jpg", "detections": [BOX, {**BOX, **box}]}
    [image] = megadetector_json.images(written(tmp_path / "md.json", output(entry)))
    assert image == Image("a.jpg", None, "detections that are not finite numbers")


@pytest.mark.parametrize("box", [{"conf": 1.0000001}, {"bbox": [-0.01, 0.9, 1.02, 0.2]}])
def test_what_rounding_or_a_box_at_the_edge_exceeds_is_read(tmp_path, box):
    entry = {"file": "a.jpg", "detections": [{**BOX, **box}]}
    [image] = megadetector_json.images(written(tmp_path / "md.json", output(entry)))
    assert len(image.boxes) == 1


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("truncated", "image access failure: truncated"),
        ("inference failure", "inference failure"),
        ("Failure image access", "Failure image access"),  # of another tool
    ],
)
def test_reasons_of_failures_both_ways(reason, text):
    assert megadetector_json.failure_text(reason) == text
    assert megadetector_json.failure_reason(text) == reason


def test_any_name_is_written_and_read(tmp_path):
    path = tmp_path / "md.json"
    names = ["caf\udce9.jpg", "\ud800", "né\n.jpg", 'a"b.jpg']
    with megadetector_json.writing(path, HEADER) as writer:
        for name in names:
            writer.add(Image(name, None, name, {"meta": name}))
    assert [(i.file, i.failure) for i in megadetector_json.images(path)] == [(n, n) for n in names]


def test_text_that_is_no_json_and_no_file_are_user_errors(tmp_path):
    (tmp_path / "md.json").write_text('{"images": [')
    with pytest.raises(FormatError):
        megadetector_json.read_header(tmp_path / "md.json")
    with pytest.raises(UserError):
        megadetector_json.read_header(tmp_path / "none.json")


UNIT = st.floats(0, 1)
BOXES = st.builds(
    Box,
    st.sampled_from(sorted(NAMES)),
    UNIT,
    st.tuples(UNIT, UNIT, UNIT, UNIT),
    st.lists(st.tuples(st.sampled_from(["0", "1"]), UNIT), max_size=2).map(tuple),
    st.sampled_from([{}, {"frame_number": 3}]),
)
FILES = st.text(min_size=1).map(lambda text: text.replace("\\", "/"))
DETECTED = st.builds(Image, FILES, st.lists(BOXES, max_size=3).map(tuple), st.none(), st.just({}))
FAILED = st.builds(Image, FILES, st.none(), st.text(min_size=1), st.just({"meta": "é"}))
IMAGES = DETECTED | FAILED


@given(st.lists(IMAGES, max_size=5))
@settings(max_examples=40)
def test_what_is_written_is_read(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("md") / "md.json"
    header = Header({"detector": "d"}, NAMES, {"0": "fox", "1": "elk"}, {"notes": "n"})
    with megadetector_json.writing(path, header) as writer:
        for image in content:
            writer.add(image)
    assert list(megadetector_json.images(path)) == content
    read = megadetector_json.read_header(path)
    assert read.info == {"detector": "d", "format_version": "1.6"}
    assert read.classification_categories == {"0": "fox", "1": "elk"}
    assert read.extra == {"notes": "n"}


@given(UNIT | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_unrounded_and_have_a_decimal_point(value):
    text = megadetector_json.number(value)
    assert "." in text
    assert "e" not in text
    assert float(text) == value


def test_float32_scores_are_written_in_full():
    assert megadetector_json.number(np.float64(np.float32(0.95))) == "0.949999988079071"


def test_megadetectors_own_validator_accepts_what_is_written(tmp_path):
    validator = pytest.importorskip("megadetector.postprocessing.validate_batch_results")
    path = tmp_path / "md.json"
    with megadetector_json.writing(path, HEADER) as writer:
        writer.add(Image("a.jpg", (Box("1", 1, (0, 0, 1, 1)), Box("3", 1e-5, (0, 0.5, 1, 0.5)))))
        writer.add(Image("b.jpg", ()))
        writer.add(Image("c.jpg", None, "image access failure: truncated"))
    options = validator.ValidateBatchResultsOptions()
    results = validator.validate_batch_results(str(path), options)["validation_results"]
    assert results["errors"] == results["warnings"] == []
    assert results["detection_category_id_to_count"] == {"1": 1, "3": 1}


def test_interrupted_writing_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), megadetector_json.writing(tmp_path / "m.json", HEADER):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_the_version_of_2021_is_written_as_its_tools_did(tmp_path):
    names = Header({"detector": "md_v4.1.0.pb"}, {"1": "animal"}, {"0": "elk"})
    box = Box("1", 0.926, (0.0, 0.2, 0.5, 0.25), (("0", 0.57),))
    path = tmp_path / "m.json"
    with megadetector_json.writing(path, names, "1.0") as writer:
        writer.add(Image("a.jpg", (box, Box("1", 1, (0, 0, 1, 1))), None, {"meta": "x"}))
        writer.add(Image("empty.jpg", ()))
        writer.add(Image("bad.jpg", None, "Failure image access"))
        writer.add(Image("later.jpg", None))
    boxes = [
        {"category": "1", "conf": 0.926, "bbox": [0, 0.2, 0.5, 0.25]},
        {"category": "1", "conf": 1.0, "bbox": [0, 0, 1.0, 1.0]},
    ]
    boxes[0]["classifications"] = [["0", 0.57]]
    expected = {
        "images": [
            {"file": "a.jpg", "meta": "x", "max_detection_conf": 1.0, "detections": boxes},
            {"file": "empty.jpg", "max_detection_conf": 0, "detections": []},
            {"file": "bad.jpg", "failure": "Failure image access"},
            {"file": "later.jpg", "detections": None},
        ],
        "detection_categories": {"1": "animal"},
        "info": {"detector": "md_v4.1.0.pb", "format_version": "1.0"},
        "classification_categories": {"0": "elk"},
    }
    assert path.read_text("utf-8") == json.dumps(expected, indent=1)
    assert megadetector_json.read_header(path).classification_categories == {"0": "elk"}
    assert [image.file for image in megadetector_json.images(path)] == [
        "a.jpg",
        "empty.jpg",
        "bad.jpg",
        "later.jpg",
    ]


def test_the_version_of_2021_without_a_picture_is_json_too(tmp_path):
    with megadetector_json.writing(tmp_path / "m.json", HEADER, "1.0"):
        pass
    assert json.loads((tmp_path / "m.json").read_text("utf-8"))["images"] == []


WHOLE = {**BOX, "bbox": [0, 0, 1, 1]}
USUAL = {"file": "a.jpg", "detections": [BOX, WHOLE]}


@pytest.mark.parametrize(
    "odd",
    [
        {**USUAL, "file": "b\\c.jpg", "max_detection_conf": 0.5},
        {**USUAL, "detections": []},
        {**USUAL, "detections": None},
        {**USUAL, "failure": "no such file", "detections": []},
        {**USUAL, "meta": "kept"},
        {**USUAL, "detections": [{**BOX, "frame_number": 3}]},
        {**USUAL, "detections": [{**BOX, "classifications": [["0", 1]]}]},
        {**USUAL, "detections": [{**BOX, "category": 1}]},
        {**USUAL, "detections": [{**BOX, "conf": float("nan")}]},
        {**USUAL, "detections": [{**BOX, "bbox": [-0.1, 0, 1, 1.2]}]},
    ],
)
def test_an_image_is_read_among_many_as_it_is_alone(tmp_path, odd):
    many = [USUAL] * 300
    many[150] = odd
    path = tmp_path / "md.json"
    path.write_text(json.dumps({"images": many}), encoding="utf-8")
    alone = map(megadetector_json.image, many)
    assert list(map(repr, megadetector_json.images(path))) == list(map(repr, alone))  # 0.0, not 0


def test_a_wrong_image_among_many_is_named(tmp_path):
    path = tmp_path / "md.json"
    wrong = {**USUAL, "detections": [{**BOX, "conf": True}]}
    path.write_text(json.dumps({"images": [USUAL, USUAL, wrong]}), encoding="utf-8")
    with pytest.raises(FormatError, match=r"images\[2\] .*expected a number, got true"):
        list(megadetector_json.images(path))


@pytest.mark.parametrize("first", ["info", "images"])
def test_what_comes_before_the_images_is_read_without_them(tmp_path, first):
    table = {"info": {}, "detection_categories": NAMES, "images": [USUAL] * 9, "later": 1}
    path = tmp_path / "md.json"
    path.write_text(json.dumps({first: table.pop(first), **table}), encoding="utf-8")
    header = megadetector_json.read_header(path, whole=False)
    assert header.detection_categories == NAMES
    assert header.extra == {}
    assert megadetector_json.read_header(path).extra == {"later": 1}
