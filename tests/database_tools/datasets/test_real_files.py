"""What real folders and files bring: accepted, in the ledger with a reason, or refused."""

import json
import os

import numpy as np
import pytest
from PIL import Image

ONE = ("--test_fraction", 0)


def colours(built, name="red fox/A/a.jpg"):
    """The colour in the middle of a crop, and the size of the crop."""
    crop = built.crop(name)
    height, width = crop.shape[:2]
    return crop[height // 2, width // 2].tolist(), (width, height)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "CMYK", "YCbCr"])
def test_jpegs_of_every_mode_are_accepted(world, mode):
    source = "L" if mode == "1" else mode
    world.picture(world.add("a"), mode=source)
    middle, size = colours(world.run(*ONE))
    assert size == (67, 60)
    assert min(middle) > 180


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_pngs_of_every_mode_are_accepted(world, mode):
    path = world.add("a", file="a.png")
    if mode == "I;16":
        path.parent.mkdir(exist_ok=True)
        grey = np.full((60, 80), 300, np.uint16)
        grey[15:45, 20:60] = 60_000
        Image.fromarray(grey).save(path)
    else:
        world.picture(path, mode=mode)
    middle, _ = colours(world.run(*ONE), "red fox/a.png")
    assert min(middle) > 180  # 16 bits are scaled: 60,000 is 234


@pytest.mark.parametrize(("orientation", "turn"), [(3, 180), (6, 90), (8, -90)])
def test_boxes_refer_to_the_picture_as_it_is_displayed(world, orientation, turn):
    # As displayed: 80 x 60, bright in its upper left quarter.
    shown = np.full((60, 80, 3), 20, np.uint8)
    shown[:30, :40] = 240
    stored = Image.fromarray(shown).rotate(turn, expand=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = world.add("a", boxes=[(0, 0, 0.5, 0.5)])
    path.parent.mkdir()
    stored.save(path, quality=95, exif=exif)
    crop = world.run(*ONE, "--padding_factor", 1).crop("red fox/A/a.jpg")
    # The square of side 40 around (20, 15), cut off at the top: rows 0 to 35.
    assert crop.shape == (35, 40, 3)
    assert crop[:28].min() > 200


@pytest.mark.parametrize("size", [{}, {"width": 800, "height": 30}, {"width": None, "height": "x"}])
def test_the_real_size_is_used_whatever_the_annotations_say(world, size):
    world.picture(world.add("a", **size))
    middle, crop_size = colours(world.run(*ONE))
    assert crop_size == (67, 60)
    assert min(middle) > 180


def test_bare_nan_a_byte_order_mark_and_annotation_without_s(world, capsys):
    world.picture(world.add("a", width=float("nan")))
    words = world.words(*ONE)
    table = {**world.table, "annotation": world.table["annotations"]}
    del table["annotations"]
    text = json.dumps(table)
    assert "NaN" in text
    (world.folder / "cct.json").write_text(text, encoding="utf-8-sig")
    from database_tools import make_classification_dataset

    assert make_classification_dataset.main(words) == 0
    assert 'reading "annotation" as "annotations"' in capsys.readouterr().err


def test_pictures_that_cannot_be_used_are_in_the_ledger_with_their_reasons(world):
    jpeg = world.picture(world.add("good")).read_bytes()
    world.add("missing")
    for number, content in {
        "empty": b"",
        "truncated": jpeg[: len(jpeg) // 2],
        "header": jpeg[:20],
        "text": b"Not found",
    }.items():
        world.add(number).write_bytes(content)
    world.picture(world.add("huge"), 100, 90)
    for number, file in {"absolute": "/etc/a.jpg", "outside": "../a.jpg"}.items():
        world.add(number, file=file)
    world.picture(world.add("twice", file="A/good.jpg"))
    world.label("not listed", 9)
    built = world.run(*ONE, "--max_pixels", 80 * 60)
    assert built.status == 0
    assert built.files() == ["red fox/A/good.jpg"]
    assert built.dropped() == {
        "corrupt": ["A/header.jpg"],
        "empty": ["A/empty.jpg"],
        "file name listed before": ["A/good.jpg"],
        "file name outside the image folder": ["/etc/a.jpg", "../a.jpg"],
        "missing": ["A/missing.jpg"],
        "not an image": ["A/text.jpg"],
        "too large": ["A/huge.jpg"],
        "truncated": ["A/truncated.jpg"],
    }
    ledger = built.ledger()
    assert (ledger["total"], ledger["kept"], ledger["made"]) == (10, 1, 1)
    assert ledger["beside"] == {"annotation of an image that is not listed": ["not listed"]}


def test_strict_runs_do_everything_and_then_say_what_could_not_be_read(world, capsys):
    world.picture(world.add("a"))
    world.add("b", boxes=[])  # nothing found is no fault
    world.add("c").write_bytes(b"")
    for _ in range(2):  # the second finds it done
        built = world.run(*ONE, "--strict")
        assert built.status == 2
        assert "--strict: 1 images could not be read" in capsys.readouterr().err
        assert built.files() == ["red fox/A/a.jpg"]
    world.picture(world.images / "A" / "c.jpg")
    assert world.run(*ONE, "--strict").status == 0


def test_an_absolute_name_is_not_taken_even_if_it_exists(world):
    outside = world.picture(world.folder / "secret.jpg")
    world.add("a", file=str(outside))
    world.picture(world.add("b"))
    built = world.run(*ONE)
    assert built.files() == ["red fox/A/b.jpg"]
    assert outside.exists()


def test_what_the_detection_file_does_not_tell_is_in_the_ledger_without_a_detector(world):
    world.picture(world.add("a"))
    world.picture(world.add("b"))
    world.picture(world.add("c"))
    words = world.words(*ONE)
    path = world.folder / "md.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    table["images"][1] = {"file": "A/b.jpg", "failure": "image access failure"}
    del table["images"][2]
    path.write_text(json.dumps(table), encoding="utf-8")
    from database_tools import make_classification_dataset

    assert make_classification_dataset.main(words) == 0
    ledger = json.loads(
        (world.folder / "out/c/make_classification_dataset_ledger.json").read_text()
    )
    assert ledger["dropped"] == {
        "failure in the detection file": ["A/b.jpg"],
        "not in the detection file": ["A/c.jpg"],
    }


def test_a_detection_file_of_other_pictures_is_told(world, capsys):
    world.picture(world.add("a"))
    world.found = {"other/x.jpg": []}
    assert world.run(*ONE).status == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "knows no image of the annotations by its file name" in line
    assert "'other/x.jpg'" in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["images"].append(t["images"][0]), "the image id 'a' is there twice"),
        (
            lambda t: t["categories"].append({"id": 9, "name": "x"}),
            "the category id 9 is there twice",
        ),
        (
            lambda t: t["annotations"].append({"image_id": "a", "category_id": 77}),
            "no category has the id 77",
        ),
        (lambda t: t["images"].clear(), "no image"),
        (lambda t: t.__setitem__("images", "none"), '"images": expected a list'),
        (lambda t: t["images"][0].__setitem__("file_name", 5), '"file_name" must be a text, got 5'),
    ],
)
def test_annotations_that_cannot_be_meant_are_refused(world, capsys, change, message):
    world.picture(world.add("a"))
    change(world.table)
    assert world.run(*ONE).status == 2
    assert message in capsys.readouterr().err


def test_broken_json_is_refused_in_one_line(world, capsys):
    world.picture(world.add("a"))
    words = world.words(*ONE)
    path = world.folder / "cct.json"
    path.write_text(path.read_text(encoding="utf-8")[:-5], encoding="utf-8")
    from database_tools import make_classification_dataset

    assert make_classification_dataset.main(words) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("make_classification_dataset.py: error: ")
    assert "annotations[0]: " in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(world, capsys):
    world.picture(world.add("a"))
    (world.folder / "out").mkdir(mode=0o500)
    assert world.run(*ONE).status == 2
    assert "cannot write" in capsys.readouterr().err


def test_an_output_that_is_a_file_is_told(world, capsys):
    world.picture(world.add("a"))
    (world.folder / "out").mkdir()
    (world.folder / "out" / "t").write_text("a file", encoding="utf-8")
    assert world.run(*ONE).status == 2
    assert "is a file, expected a folder" in capsys.readouterr().err
