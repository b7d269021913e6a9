"""train.json and test.json: the original's text, and files that are none."""

import json

import pytest

from database_tools.core.errors import FormatError
from database_tools.formats import crops_coco
from database_tools.formats.crops_coco import Crop

CROPS = [Crop(3, 301, 288, "red fox/a é.jpg", "a", 0), Crop(5, 9, 8, "hare/b.jpg", 17, 1)]


def table(**changes):
    return {
        "images": [
            {"id": 3, "width": 301, "height": 288, "file_name": "red fox/a é.jpg",
             "original_key": "a"},
            {"id": 5, "width": 9, "height": 8, "file_name": "hare/b.jpg", "original_key": 17},
        ],
        "categories": [
            {"id": 0, "name": "red fox", "supercategory": "entity"},
            {"id": 1, "name": "hare", "supercategory": "entity"},
        ],
        "annotations": [
            {"id": 3, "image_id": 3, "category_id": 0},
            {"id": 5, "image_id": 5, "category_id": 1},
        ],
        **changes,
    }  # fmt: skip


def test_the_text_is_that_of_json_dump(tmp_path):
    crops_coco.write(tmp_path / "t.json", lambda: CROPS, ["red fox", "hare"])
    assert (tmp_path / "t.json").read_text(encoding="utf-8") == json.dumps(table())


def test_a_split_without_crops_has_its_categories(tmp_path):
    crops_coco.write(tmp_path / "t.json", list, ["red fox"])
    read = crops_coco.read(tmp_path / "t.json")
    assert (read.categories, read.files, len(read.labels)) == ({0: "red fox"}, [], 0)


def read(folder, **changes):
    (folder / "t.json").write_text(json.dumps(table(**changes)), encoding="utf-8")
    return crops_coco.read(folder / "t.json")


def test_labels_belong_to_crops_by_their_ids_not_by_their_order(tmp_path):
    annotations = table()["annotations"][::-1]
    found = read(tmp_path, annotations=annotations, categories=table()["categories"][::-1])
    assert found.categories == {0: "red fox", 1: "hare"}
    assert found.files == ["red fox/a é.jpg", "hare/b.jpg"]
    assert found.original_keys == ["a", 17]
    assert found.labels.tolist() == [0, 1]


def note(image, category=0):
    return {"id": image, "image_id": image, "category_id": category}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annotations": [note(3)]}, "no annotation has the image_id 5"),
        ({"annotations": [note(3), note(5), note(7)]}, "no image has the image_id 7"),
        (
            {"annotations": [note(3), note(5), note(3)]},
            r"the image_id 3 is there twice",
        ),
        ({"annotations": [note(3), note(5, 9)]}, "no category has the id 9"),
        (
            {"annotations": [note(3), note(5, "0")]},
            '"category_id" must be a whole number',
        ),
        ({"annotations": [note(3), note(5, None)]}, r'annotations\[1\]: "category_id" must be'),
        ({"images": [{"id": 3}]}, r'images\[0\]: no key "file_name"; its keys are id'),
        ({"images": [3]}, r"images\[0\]: expected an object, got 3"),
        ({"categories": 3}, '"categories": expected a list, got 3'),
    ],
)
def test_what_is_no_dataset_of_crops_is_told_with_its_place(tmp_path, changes, message):
    with pytest.raises(FormatError, match=message):
        read(tmp_path, **changes)


def test_a_missing_list_is_told(tmp_path):
    (tmp_path / "t.json").write_text('{"images": []}', encoding="utf-8")
    with pytest.raises(FormatError, match='no list "categories"'):
        crops_coco.read(tmp_path / "t.json")
