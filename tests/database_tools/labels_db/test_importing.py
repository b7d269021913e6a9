"""The label database: what goes in comes out, once, and whole or not at all."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys

import pytest

from database_tools.core.errors import UserError
from database_tools.core.label_entries import Picture, Said
from database_tools.labels_db import coco_entries, importing
from database_tools.labels_db.database import LabelCount, LabelDatabase
from database_tools.labels_db.importing import Imported, Place


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.db"


def put(path, *entries, dataset="ds", **place):
    return importing.run(path, Place(dataset, **place), entries, path.with_name("source.json"))


def ask(path, *labels, dataset="ds"):
    with LabelDatabase(path) as db:
        return list(db.images(dataset, labels))


def files(path, *labels, dataset="ds"):
    return [image.file for image in ask(path, *labels, dataset=dataset)]


def test_pictures_of_one_class_come_back_sorted_by_file(path):
    put(path, Said(2, "elk"), Picture(1, "b.jpg"), Said(1, "elk"), Picture(2, "a.jpg"))
    assert files(path, "elk", "moose") == ["a.jpg", "b.jpg"]
    assert files(path, "moose") == []


def test_the_pictures_own_class_counts_before_that_of_its_burst(path):
    put(
        path,
        *(Picture(i, f"{i}.jpg", sequence="s") for i in range(4)),
        *(Said(i, "elk", of_sequence=True) for i in range(3)),
        Said(1, "empty"),
        Said(2, "cat"),
        Said(2, "dog"),
    )
    # 0 has its burst's class, 1 its own, 2 two of its own, 3 none
    assert [(i.file, i.of_sequence) for i in ask(path, "elk", "empty")] == [
        ("0.jpg", True),
        ("1.jpg", False),
    ]
    assert files(path, "cat", "dog") == []
    with LabelDatabase(path) as db:
        assert [(i.file, i.labels) for i in db.images_of_several("ds", ["dog"])] == [
            ("2.jpg", ("cat", "dog"))
        ]
        assert db.sequence_sizes("ds") == {"s": 4}


def test_two_boxes_of_one_class_are_one_class(path):
    boxes = [("elk", 0.1, 0.2, 0.3, 0.4), ("elk", 0.5, 0.5, 0.1, 0.1)]
    put(path, Picture(1, "a.jpg"), *(Said(1, "elk", box=box) for box in boxes))
    assert ask(path, "elk")[0].boxes == (
        ("animal", 0.1, 0.2, 0.3, 0.4),
        ("animal", 0.5, 0.5, 0.1, 0.1),
    )


def test_boxes_in_pixels_need_the_pictures_size(path):
    put(
        path,
        Picture(1, "a.jpg", width=200, height=100),
        Picture(2, "b.jpg"),
        Said(1, "human", pixel_box=(20, 10, 100, 50)),
        Said(2, "human", pixel_box=(20, 10, 100, 50)),
    )
    assert ask(path, "human")[0].boxes == (("person", 0.1, 0.1, 0.5, 0.5),)
    assert ask(path, "human")[1].boxes == ()


@pytest.mark.parametrize(
    ("drawn", "kept"),
    [
        ((-0.1, -0.2, 0.5, 0.5), [(0, 0, 0.4, 0.3)]),  # left and top
        ((0.75, 0.5, 0.5, 0.75), [(0.75, 0.5, 0.25, 0.5)]),  # right and bottom
        ((-0.5, 0.25, 2, 0.5), [(0, 0.25, 1, 0.5)]),  # both sides
        ((0.5, 0.25, 0.5, 0.75), [(0.5, 0.25, 0.5, 0.75)]),  # up to the edges
        ((1.0, 0.25, 0.5, 0.5), []),  # outside
    ],
)
def test_a_box_ends_where_the_picture_does(path, drawn, kept):
    x, y, w, h = drawn
    put(
        path,
        Picture(1, "a.jpg"),
        Picture(2, "b.jpg", width=200, height=100),
        Said(1, "elk", box=("elk", *drawn)),
        Said(2, "elk", pixel_box=(200 * x, 100 * y, 200 * w, 100 * h)),
    )
    for image in ask(path, "elk"):
        assert [box[1:] for box in image.boxes] == [pytest.approx(box) for box in kept]


def test_nobody_drew_and_nothing_to_draw_are_two_things(path):
    put(path, Picture(1, "a", no_boxes=True), Picture(2, "b"), Said(1, "empty"), Said(2, "empty"))
    assert [image.boxes for image in ask(path, "empty")] == [(), None]


@pytest.mark.parametrize("location", [13, "13", "013", 1.5, "é", None])
def test_a_location_stays_as_its_source_wrote_it(path, location):
    put(path, Picture(1, "a.jpg", location), Said(1, "elk"))
    found = ask(path, "elk")[0].location
    assert found == location
    assert type(found) is type(location)


def test_importing_again_replaces_that_dataset_only(path):
    put(path, Picture(1, "a.jpg"), Picture(2, "b.jpg"), Said(1, "elk"), Said(2, "cat"))
    taken = {"sequence": "s", "datetime": "2021-05-01 03:44:54", "location": "013"}
    put(path, Picture(1, "a.jpg", **taken), Said(1, "elk"), Said(1, "cat"), dataset="other")
    put(path, Picture(1, "c.jpg"), Said(1, "elk"), path_prefix="images/")
    assert files(path, "elk", "cat") == ["images/c.jpg"]
    with LabelDatabase(path) as db:
        assert list(db.datasets()) == ["ds", "other"]
        assert len(list(db.images_of_several("other", ["elk"]))) == 1
        assert list(db.counts()) == [LabelCount("ds", "elk", 1, 1)]
        assert [list(db.shots(name)) for name in ("ds", "other")] == [
            [("images/c.jpg", None, None, None)],
            [("a.jpg", "s", "2021-05-01 03:44:54", "013")],
        ]
        assert db.sequence_sizes("other") == {"s": 1}


def test_what_came_in_is_counted(path):
    counts = put(
        path,
        *(Picture(i, f"{i}.jpg") for i in range(4)),
        Said(0, "elk"),
        Said(1, "elk"),
        Said(1, "cat"),
        Said(9, "cat"),
    )
    assert counts == Imported(4, 4, one_class=1, several_classes=1, unlisted=("9",))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([Picture(1, "a.jpg"), Picture(1, "b.jpg")], "source.json: the image id 1 is there twice"),
        ([Picture(1, "a.jpg"), Picture(2, "./a.jpg")], "the file name 'a.jpg' is there twice"),
        ([Picture(1, "../a.jpg")], "'../a.jpg' leads out of the dataset's folder"),
        ([Said(1, "elk")], "source.json: lists no image"),
        ([Picture(2**63, "a.jpg")], "source.json: cannot be kept in a database: Python int too"),
        ([Picture(1, "caf\udce9.jpg")], "source.json: cannot be kept in a database: 'utf-8' codec"),
    ],
)
def test_a_source_that_breaks_a_rule_leaves_the_old_content(path, entries, message):
    put(path, Picture(1, "old.jpg"), Said(1, "elk"))
    with pytest.raises(UserError) as error:
        put(path, *entries)
    assert message in str(error.value)
    assert files(path, "elk") == ["old.jpg"]


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        ("./b.jpg", "b.jpg"),
        ("x\\b.jpg", "x/b.jpg"),
        ("x//b.jpg", "x/b.jpg"),
        ("x/./b.jpg", "x/b.jpg"),
        ("b.jpg/", "b.jpg"),
        ("x/.b.jpg", "x/.b.jpg"),
        ("x\n/b.jpg", "x\n/b.jpg"),
        *((outside, None) for outside in ("", "/b.jpg", "C:/b.jpg", "x\0.jpg", "x/../../b.jpg")),
    ],
)
def test_a_name_among_plain_ones_is_tidied_or_refused(path, listed, kept):
    pictures = [Picture(i, file) for i, file in enumerate(("a.jpg", listed, "c/d.jpg"))]
    entries = *pictures, *(Said(i, "elk") for i in range(3))
    if kept is None:
        with pytest.raises(UserError, match="leads out of the dataset's folder"):
            put(path, *entries)
    else:
        put(path, *entries)
        assert files(path, "elk") == sorted(["a.jpg", kept, "c/d.jpg"])


def test_a_dataset_has_no_slash_in_its_name(path):
    with pytest.raises(UserError, match="a name without slashes, got 'a/b'"):
        put(path, Picture(1, "a.jpg"), dataset="a/b")


def test_another_file_is_no_label_database(tmp_path):
    path = tmp_path / "x.db"
    sqlite3.connect(path).execute("CREATE TABLE t (x)").connection.close()
    for run in (lambda: put(path, Picture(1, "a")), lambda: LabelDatabase(path)):
        with pytest.raises(UserError, match="not a label database"):
            run()
    with pytest.raises(UserError, match="no such label database; import_labels makes one"):
        LabelDatabase(tmp_path / "none.db")


IMPORT_FOR_EVER = """
import sys, time
from pathlib import Path
from database_tools.core.label_entries import Picture
from database_tools.labels_db import importing
from database_tools.labels_db.importing import Place

def entries():
    for i in range(10**9):
        yield Picture(i, f"{i}.jpg")
        if i == 20_000:
            print("begun", flush=True)
        if i > 20_000:
            time.sleep(0.01)

importing.run(Path(sys.argv[1]), Place("ds"), entries(), Path("source.json"))
"""


def test_killed_it_leaves_the_old_content(path):
    put(path, Picture(1, "old.jpg"), Said(1, "elk"))
    command = [sys.executable, "-c", IMPORT_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        process.kill()
    assert files(path, "elk") == ["old.jpg"]
    put(path, Picture(1, "new.jpg"), Said(1, "elk"))
    assert files(path, "elk") == ["new.jpg"]


@pytest.mark.parametrize(
    "order", [("categories", "images", "annotations"), ("annotations", "images", "categories")]
)
def test_coco_camera_traps_in_any_order(tmp_path, path, order):
    table = {
        "categories": [{"id": 0, "name": "empty"}, {"id": 7, "name": "red fox"}],
        "images": [
            {"id": "a", "file_name": "s\\a.jpg", "location": "013", "width": 10, "height": 20},
            {"id": "b", "file_name": "b.jpg", "location": float("nan"), "seq_id": "s1"},
        ],
        "annotations": [
            {"id": 1, "image_id": "a", "category_id": 7, "bbox": [1, 2, 5, 10]},
            {"id": 2, "image_id": "b", "category_id": 0, "sequence_level_annotation": True},
        ],
    }
    source = tmp_path / "cct.json"
    text = json.dumps({key: table[key] for key in order})
    source.write_text("\ufeff" + text, encoding="utf-8")
    importing.run(path, Place("ds"), coco_entries.read(source), source)
    fox, empty = ask(path, "red fox")[0], ask(path, "empty")[0]
    assert (fox.file, fox.location, fox.boxes) == (
        "s/a.jpg",
        "013",
        (("animal", 0.1, 0.1, 0.5, 0.5),),
    )
    assert (empty.location, empty.sequence, empty.of_sequence) == (None, "s1", True)
