"""Names that are hard to write: every picture that Linux keeps is cut, others have a reason."""

import os
import unicodedata

import numpy as np
import pytest

from database_tools.core import reasons
from database_tools.core.names import Disk
from database_tools.durable import naming
from database_tools.formats import label_map

NFC, NFD = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
TWO = ((0.1, 0.1, 0.3, 0.3), (0.6, 0.6, 0.3, 0.3))


def build(world, *flags, **options):
    built = world.run("--test_fraction", 0, "--multiple_detections", "all", *flags, **options)
    assert built.status == 0
    return built


def on_disk(built):
    found = (path for path in built.coco.rglob("*.jpg") if path.is_file())
    return {path.relative_to(built.coco).as_posix() for path in found}


def test_a_latin_1_name_is_kept_by_its_bytes(world):
    name = os.fsdecode(b"caf\xe9/p\xe8re.jpg")
    world.picture(world.add("a", file=name))
    built = build(world)
    assert built.files() == [f"red fox/{name}"]
    assert on_disk(built) == {f"red fox/{name}"}
    assert built.dropped() == {}
    before = built.contents()
    assert build(world).contents() == before  # the journal was read back


def test_half_a_surrogate_pair_in_a_name_has_a_reason(world):
    world.picture(world.add("a"))
    world.add("b", file="half\ud800.jpg")
    built = build(world)
    assert built.dropped() == {reasons.UNWRITABLE: ["half\ud800.jpg"]}
    records = build(world, outputs="t", name="records")
    assert records.dropped() == {reasons.UNREADABLE: ["half\ud800.jpg"]}


@pytest.mark.parametrize("category", ["half\ud800", os.fsdecode(b"caf\xe9")])
def test_half_a_surrogate_pair_in_a_category_stops_nothing(world, category):
    world.table["categories"][0]["name"] = category
    world.picture(world.add("a"))
    built = build(world)
    assert built.json("dataset_info.json")["classes"][0] == category
    assert built.files() == [f"{category[:-1]}_/A/a.jpg"]
    assert label_map.read(built.records / "label_map.pbtxt")[0] == category


def test_a_name_too_long_for_its_crop_has_a_reason(world):
    longest = "b" * 251 + ".jpg"
    world.picture(world.add("a", file="x/" + longest))
    world.picture(world.add("b", file="y/" + longest, boxes=TWO))  # _0 makes it 257
    built = build(world)
    assert built.files() == ["red fox/x/" + longest]
    assert built.dropped() == {reasons.TOO_LONG: ["y/" + longest]}
    records = build(world, outputs="t", name="records")  # where no crop has a file
    assert len(records.examples()) == 3


def test_a_name_of_many_bytes_has_a_temporary_neighbour(world):
    name = "\N{FOX FACE}" * 62 + ".jpg"  # 252 bytes in 66 letters
    world.picture(world.add("a", file=name))
    assert build(world).files() == [f"red fox/{name}"]


def test_a_path_that_fits_among_the_pictures_but_not_among_the_crops_has_a_reason(world):
    room = 4095 - len(f"{world.images}/")  # "images/" and "out/c/red fox/" are what differs
    parts = ["d" * 199] * (room // 200 - 1)
    name = "/".join([*parts, "e" * (room - 200 * len(parts) - 4) + ".jpg"])
    world.picture(world.add("a"))
    world.picture(world.add("b", file=name))
    assert build(world).dropped() == {reasons.TOO_LONG: [name]}


def test_categories_of_names_that_are_too_long_have_folders(world):
    for category, name in zip(world.table["categories"], ("é" * 200, "é" * 199), strict=False):
        category["name"] = name
    world.picture(world.add("a", category=9))
    world.picture(world.add("b", category=0))
    assert build(world).files() == ["é" * 127 + "/A/a.jpg", "é" * 126 + "_1/A/b.jpg"]


def test_numbered_crops_get_out_of_the_way_of_folders_and_pictures(world):
    world.picture(world.add("a", file="a.jpg", boxes=TWO))
    world.picture(world.add("b", file="a_0.jpg/b.jpg"))
    world.picture(world.add("c", file="a_1.jpg"))
    world.picture(world.add("d", file="a_.jpg", boxes=TWO))
    built = build(world)
    fox = {"a___0.jpg", "a___1.jpg", "a_0.jpg/b.jpg", "a_1.jpg", "a__0.jpg", "a__1.jpg"}
    assert on_disk(built) == {f"red fox/{name}" for name in fox}
    assert built.dropped() == {}


@pytest.mark.parametrize("file", ["train-00000", "train.json", "TRAIN.JSON", "train_index.npz"])
def test_a_category_called_as_a_file_of_ours_leaves_it_its_name(world, file):
    world.table["categories"][0]["name"] = file
    world.picture(world.add("a"))
    out = world.folder / "both"
    words = ["--coco_style_output", out, "--tfrecords_output", out, "--test_fraction", 0]
    assert world.run(*words, outputs="").status == 0
    assert (out / "train-00000").is_file()
    assert (out / f"{file}_0/A/a.jpg").is_file()


def test_pictures_of_both_unicode_forms_are_two_where_both_are_there(world):
    world.picture(world.add("a", file=f"{NFC}.jpg"), seed=1)
    world.picture(world.add("b", file=f"{NFD}.jpg"), seed=2)
    built = build(world)
    assert on_disk(built) == {f"red fox/{NFC}.jpg", f"red fox/{NFD}.jpg"}
    assert not np.array_equal(*(built.crop(name) for name in sorted(on_disk(built))))


@pytest.mark.parametrize("there", [NFC, NFD])
@pytest.mark.parametrize("order", [1, -1])
def test_one_picture_that_is_listed_in_both_unicode_forms_counts_once(world, there, order):
    for number, form in list(enumerate((NFC, NFD)))[::order]:
        world.add(number, file=f"{form}.jpg")
    world.picture(world.images / f"{there}.jpg")
    built = build(world)
    assert built.files() == [f"red fox/{NFC}.jpg"]  # the first by its id
    assert built.dropped() == {reasons.LISTED_BEFORE: [f"{NFD}.jpg"]}


def test_a_picture_is_found_in_the_form_that_the_disk_has(world):
    world.add("a", file=f"{NFC}/{NFC}.jpg")
    world.picture(world.images / NFD / f"{NFD}.jpg")
    assert build(world).files() == [f"red fox/{NFC}/{NFC}.jpg"]  # written as it is listed


@pytest.mark.parametrize(
    ("disk", "lost"),
    [
        (Disk(), []),
        (Disk(ignores_case=True), ["A.JPG", "b/x.jpg", f"{NFD}.jpg"]),
        (Disk(ignores_form=True), [f"{NFD}.jpg"]),
    ],
)
def test_of_names_that_the_disk_takes_for_one_the_first_is_kept(world, monkeypatch, disk, lost):
    monkeypatch.setattr(naming, "look_at", lambda folder: disk)
    names = ["a.jpg", "A.JPG", "B", "b/x.jpg", f"{NFC}.jpg", f"{NFD}.jpg", "c/x.jpg", "C/y.jpg"]
    for number, name in enumerate(names):
        world.picture(world.add(number, file=name), format="JPEG", seed=number)
    world.picture(world.add(98, category=4, file="d/a.jpg"))
    world.picture(world.add(99, category=9, file="D/A.jpg"))  # in another category's folder
    built = build(world)
    assert built.dropped() == ({reasons.CLASH: lost} if lost else {})
    assert len(built.files()) == 10 - len(lost)
    records = build(world, outputs="t", name="records")
    assert len(records.examples()) == 10  # there is nothing to mix up


def test_a_disk_of_windows_has_reasons_for_names_that_it_refuses(world, monkeypatch):
    monkeypatch.setattr(naming, "look_at", lambda folder: Disk(plain_only=True))
    world.picture(world.add("a", file="what?/a.jpg"))
    world.picture(world.add("b", file="X:b.jpg"))
    world.picture(world.add("c", file="c.jpg"))
    built = build(world)
    assert built.files() == ["red fox/c.jpg"]
    assert built.dropped() == {reasons.UNWRITABLE: ["what?/a.jpg", "X:b.jpg"]}


def test_a_letter_and_a_colon_begin_a_name(world):
    world.picture(world.add("a", file="X:b.jpg"))
    world.add("b", file="X:/b.jpg")
    world.add("c", file="X:\\b.jpg")
    built = build(world)
    assert built.files() == ["red fox/X:b.jpg"]
    assert built.dropped() == {reasons.OUTSIDE: ["X:/b.jpg", "X:\\b.jpg"]}


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_no_file_keeps_nobody_waiting(world, kind):
    world.picture(world.add("a"))
    path = world.add("b", file="x.jpg")
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert build(world).dropped() == {reasons.NOT_AN_IMAGE: ["x.jpg"]}


def test_crops_that_no_file_holds_have_a_reason(world):
    world.picture(world.add("a", boxes=((0, 0, 1, 1),)), 65_501, 2, format="PNG")
    world.picture(world.add("b"))
    assert build(world).dropped() == {reasons.NOT_ENCODABLE: ["A/a.jpg"]}


def test_a_padding_factor_past_all_bounds_cuts_whole_pictures(world):
    world.picture(world.add("a"))
    built = build(world, "--padding_factor", "1e308")
    assert built.crop("red fox/A/a.jpg").shape == (60, 80, 3)


def test_boxes_without_a_crop_beside_others_are_counted_by_reason(world):
    wide = ((0, 0, 1, 1), (0.5, 0.5, 0, 0), (0, 0, 0.001, 0.001))
    world.picture(world.add("a", boxes=wide), 65_501, 100, format="PNG")
    built = build(world, "--padding_factor", 1, outputs="c")
    assert len(built.files()) == 1
    assert built.ledger()["beside"] == {
        f"{reason}, of a picture with others": ["A/a.jpg"]
        for reason in (reasons.NO_AREA, reasons.NOT_ENCODABLE)
    }


def test_names_that_differ_in_case_only_are_hinted_at(world, capsys):
    world.add("a", file="elk/a.jpg")
    world.picture(world.images / "Elk/A.JPG", format="JPEG")
    assert world.run("--test_fraction", 0).status == 2
    assert "elk/a.jpg (missing; there is 'Elk/A.JPG', in other letter case)" in (
        capsys.readouterr().err
    )


def test_crops_that_the_disk_has_in_another_form_are_no_strangers(world, monkeypatch):
    monkeypatch.setattr(naming, "look_at", lambda folder: Disk(ignores_form=True))
    world.picture(world.add("a", file=f"{NFC}.jpg"))
    built = build(world)
    crop = built.coco / "red fox" / f"{NFC}.jpg"
    crop.rename(crop.with_name(f"{NFD}.jpg"))  # as a Mac's disk lists it
    build(world, "--padding_factor", 2)
