"""COCO Camera Traps as real tools write it, and the mistakes that stop a run."""

import json
import math

import pytest

from database_tools.core.annotations import SEVERAL, UNLABELED
from database_tools.core.errors import FormatError
from database_tools.formats import coco_camera_traps
from database_tools.formats.coco_camera_traps import Annotation, Category, Image


def dataset(**changes):
    table = {
        "info": {"version": "1"},
        "categories": [{"id": 7, "name": "red fox"}, {"id": 0, "name": "empty"}],
        "images": [
            {"id": "b", "file_name": "2/b.jpg", "location": "n1", "seq_id": "s"},
            {"id": "a", "file_name": "1/a.jpg", "location": "n2"},
        ],
        "annotations": [
            {"id": 1, "image_id": "a", "category_id": 7},
            {"id": 2, "image_id": "b", "category_id": 0},
        ],
    }
    return {**table, **changes}


@pytest.fixture
def read(tmp_path):
    def write_and_read(table, key="location", encoding="utf-8"):
        path = tmp_path / "cct.json"
        text = table if isinstance(table, str) else json.dumps(table)
        path.write_text(text, encoding=encoding)
        return coco_camera_traps.read(path, key)

    return write_and_read


def image(number, **more):
    return {"id": number, "file_name": f"{number}.jpg", "location": 1, **more}


def label(number, category=7):
    return {"id": f"l{number}", "image_id": number, "category_id": category}


def test_images_come_in_the_order_of_their_ids_and_categories_in_that_of_the_file(read):
    table = read(dataset())
    assert table.categories == ("red fox", "empty")
    assert list(table.ids) == ["a", "b"]
    assert table.files == ["1/a.jpg", "2/b.jpg"]
    assert table.locations == ["n2", "n1"]
    assert table.sequences == ["", "s"]
    assert table.classes.tolist() == [0, 1]
    assert table.unlisted == ()
    assert table.keys == ("id", "file_name", "location", "seq_id")
    assert table.example["id"] in ("a", "b")


def test_numbers_sort_as_numbers(read):
    table = read(dataset(images=[image(10), image(9)], annotations=[label(9), label(10)]))
    assert list(table.ids) == [9, 10]


def test_members_may_come_in_any_order(read):
    assert list(read(dict(reversed(dataset().items()))).ids) == ["a", "b"]


def test_one_category_twice_is_one_and_two_are_several_and_none_is_none(read):
    images = [image(1), image(2), image(3)]
    labels = [label(1), label(1), label(2, 7), label(2, 0)]
    table = read(dataset(images=images, annotations=labels))
    assert table.classes.tolist() == [0, SEVERAL, UNLABELED]


def test_annotation_is_read_as_annotations_and_said_aloud(read, caplog):
    table = dataset()
    table["annotation"] = table.pop("annotations")
    assert read(table).classes.tolist() == [0, 1]
    assert 'reading "annotation" as "annotations"' in caplog.text


def test_bare_nan_and_a_byte_order_mark_are_accepted(read):
    images = [image(1, location=math.nan, width=math.nan), image(2, location=None)]
    text = json.dumps(dataset(images=images, annotations=[label(1)]))
    assert "NaN" in text
    assert read(text, encoding="utf-8-sig").locations == [None, None]


def test_whole_numbers_that_a_table_made_floats_are_whole_again(read):
    images = [image(1.0, location=4.0), image(2.0, location=4.5)]
    table = read(dataset(images=images, annotations=[label(1, 7.0)]))
    assert list(table.ids) == [1, 2]
    assert table.locations == [4, 4.5]
    assert table.classes.tolist() == [0, UNLABELED]


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u3000"])
def test_a_blank_location_is_none(read, blank):
    images = [image(1, location=blank), image(2, location=" A ")]
    assert read(dataset(images=images, annotations=[label(1)])).locations == [None, " A "]


def test_another_key_may_hold_the_location(read):
    images = [image(1, site="x")]
    assert read(dataset(images=images, annotations=[label(1)]), "site").locations == ["x"]


def test_annotations_of_images_that_are_not_listed_are_collected_once(read):
    labels = [label("a"), label("z"), label("z", 0)]
    assert read(dataset(annotations=labels)).unlisted == ("z",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"images": [image(1), image(1)]},
            r'images\[1\] \("1.jpg"\): the image id 1 is there twice',
        ),
        ({"images": [image(1), image("1")]}, "some ids are numbers and some are texts"),
        ({"images": [{"id": 1}]}, r'images\[0\]: no key "file_name"; its keys are id'),
        ({"images": [image(True)]}, '"id" must be a whole number or a text, got True'),
        # 2**64 + 1 would be no other than 2**64
        (
            {"images": [image(1), image(2), image(2**64 + 1), image(3)]},
            'id" must be a whole number or a text, got 1.844',
        ),
        ({"images": [image(1.5)]}, '"id" must be a whole number or a text, got 1.5'),
        ({"images": [image(1, file_name=3)]}, '"file_name" must be a text, got 3'),
        ({"images": [image(1, location=["x"])]}, '"location" must be a number or a text'),
        ({"images": [3]}, r"images\[0\]: expected an object, got 3"),
        ({"images": {}}, '"images": expected a list'),
        ({"categories": [{"id": 1, "name": "a"}] * 2}, "the category id 1 is there twice"),
        (
            {"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]},
            "the category name 'a' is there twice",
        ),
        ({"categories": [{"id": 1, "name": " "}]}, "the name is blank"),
        (
            {"annotations": [label("a"), label("a", 5)]},
            r"annotations\[1\]: no category has the id 5",
        ),
        ({"annotations": [label(12)]}, "no image has the image_id 12, nor that of any other"),
        ({"annotations": [{"image_id": "a"}]}, 'no key "category_id"'),
    ],
)
def test_what_cannot_be_meant_stops_the_run(read, changes, message):
    labels = [label(i["id"]) for i in changes.get("images", []) if isinstance(i, dict)]
    with pytest.raises(FormatError, match=message):
        read(dataset(**{"annotations": labels, **changes} if "images" in changes else changes))


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_a_missing_list_stops_the_run(read, key):
    table = dataset()
    del table[key]
    with pytest.raises(FormatError, match=f'no list "{key}"'):
        read(table)


# Rows


@pytest.fixture
def rows(tmp_path):
    def write_and_read(table):
        path = tmp_path / "cct.json"
        path.write_text(json.dumps(table), encoding="utf-8")
        return list(coco_camera_traps.rows(path))

    return write_and_read


def test_rows_hold_all_that_an_element_says(rows):
    picture = image(
        7.0, location="013", seq_id=5, seq_num_frames=3.0, frame_num=0, datetime="2021-05-01",
        width=2048, height=1536, corrupt=0, rights_holder="us", site="x",
    )  # fmt: skip
    note = {
        "id": "n", "image_id": 7, "category_id": 0, "sequence_level_annotation": True,
        "count": "11-50", "bbox": [1, 2.5, 3, 4], "bbox_relative": [0, 0, 0.5, 1],
    }  # fmt: skip
    table = dataset(images=[picture], annotations=[note])
    assert rows(table) == [
        Category(7, "red fox"),
        Category(0, "empty"),
        Image(7, "7.0.jpg", "013", "5", 3, 0, "2021-05-01", 2048, 1536, False, "us"),
        Annotation("n", 7, 0, True, "11-50", (1, 2.5, 3, 4), (0, 0, 0.5, 1)),
    ]


def test_rows_come_in_the_order_of_the_file_with_none_for_what_is_not_said(rows):
    picture = {"id": "a", "file_name": "a.jpg", "location": math.nan, "width": None, "seq_id": None}
    table = {"annotation": [{"image_id": "a", "category_id": 0, "bbox": []}], "images": [picture]}
    nothing = (None,) * 9
    assert rows({**table, "categories": []}) == [
        Annotation(None, "a", 0, None, None, None, None),
        Image("a", "a.jpg", *nothing),
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"width": "wide"}, r'images\[1\] \("2.jpg"\): "width" must be a whole number, got'),
        ({"frame_num": 1.5}, '"frame_num" must be a whole number, got 1.5'),
        ({"datetime": {}}, '"datetime" must be a text, got {}'),
        ({"corrupt": "no"}, "\"corrupt\" must be true or false, got 'no'"),
    ],
)
def test_rows_are_checked_where_a_build_does_not_look(rows, read, more, message):
    table = dataset(images=[image(1), image(2, **more)], annotations=[label(1)])
    assert len(read(table)) == 2
    with pytest.raises(FormatError, match=message):
        rows(table)


@pytest.mark.parametrize("box", [[1, 2, 3], "x", [1, 2, 3, "4"], [1, 2, 3, math.inf], {}])
def test_a_box_is_four_numbers(rows, box):
    note = {**label("a"), "bbox": box}
    with pytest.raises(
        FormatError, match=r'annotations\[0\]: "bbox" must be \[x, y, width, height'
    ):
        rows(dataset(annotations=[note]))


def test_annotations_before_images_are_joined_too(read):
    table = dataset()
    annotations = table.pop("annotations")
    read_first = read({"annotations": [*annotations, label("z")], **table})
    assert read_first.classes.tolist() == [0, 1]
    assert read_first.unlisted == ("z",)


def test_values_nested_deep_are_shown_short(read):
    deep = []
    for _ in range(900):
        deep = [deep]
    with pytest.raises(FormatError, match=r'"location" must be a number or a text, got \[\[\['):
        read(dataset(images=[image("a", location=deep)]))
