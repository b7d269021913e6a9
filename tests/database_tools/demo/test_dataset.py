"""A demo data set on disk: reproducible, safe to make again, true to its formats."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from database_tools import make_demo_dataset
from database_tools.core.errors import UserError
from database_tools.demo import dataset, scene
from database_tools.demo.dataset import DemoDataset
from database_tools.imaging import loader
from database_tools.work import executors

SMALL = DemoDataset(images=24, locations=3, size=(160, 120), seed=5)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    dataset.make(SMALL, folder)
    return folder


def table(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_two_processes_write_what_one_writes(made, tmp_path):
    with executors.make(2) as executor:
        dataset.make(SMALL, tmp_path, executor)
    assert digests(tmp_path) == digests(made)


def test_made_again_nothing_changes(made):
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    dataset.make(SMALL, made)
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_after_an_interruption_the_same_bytes_come_out(made, tmp_path):
    class InterruptedError(Exception):
        pass

    def stop_after_ten(boxes, total):
        for i, one in enumerate(boxes):
            if i == 10:
                raise InterruptedError
            yield one

    with pytest.raises(InterruptedError):
        dataset.make(SMALL, tmp_path, progress=stop_after_ten)
    assert not (tmp_path / "boxes.json").exists()
    dataset.make(SMALL, tmp_path)
    assert digests(tmp_path) == digests(made)


def test_another_data_set_replaces_the_first(made, tmp_path):
    dataset.make(DemoDataset(images=5, locations=4, size=(160, 120)), tmp_path)
    dataset.make(SMALL, tmp_path)
    assert digests(tmp_path) == digests(made)


@pytest.mark.parametrize("place", ["images/loc000/mine.jpg", "boxes.json"])
def test_files_of_strangers_are_an_error(place, tmp_path):
    stranger = tmp_path / place
    stranger.parent.mkdir(parents=True, exist_ok=True)
    stranger.write_text("mine")
    with pytest.raises(UserError, match="not made by this command"):
        dataset.make(SMALL, tmp_path)
    assert stranger.read_text() == "mine"


def test_image_level_json_is_coco_camera_traps(made):
    level = table(made, "image_level.json")
    assert [c["id"] for c in level["categories"]] == list(range(9))
    assert level["categories"][0]["name"] == "empty"
    ids = [image["id"] for image in level["images"]]
    assert len(set(ids)) == len(ids) == 24 + 4
    for image in level["images"]:
        assert isinstance(image["location"], str)
        assert 0 <= image["frame_num"] < image["seq_num_frames"] <= 3
    noted = Counter((a["image_id"], a["category_id"]) for a in level["annotations"])
    assert set(noted.values()) == {1}  # one annotation for each species of an image
    assert {image for image, _ in noted} == set(ids)
    assert len({a["id"] for a in level["annotations"]}) == len(level["annotations"])


def test_an_image_of_a_sequence_has_the_sequence_s_label(made):
    level = table(made, "image_level.json")
    labels: dict[str, set[int]] = {}
    for note in level["annotations"]:
        labels.setdefault(note["image_id"], set()).add(note["category_id"])
    by_sequence: dict[str, list[set[int]]] = {}
    for image in level["images"]:
        by_sequence.setdefault(image["seq_id"], []).append(labels[image["id"]])
    assert all(each == group[0] for group in by_sequence.values() for each in group)
    assert any(len(group) > 1 for group in by_sequence.values())


def test_boxes_json_has_the_pictures_own_boxes(made):
    exact = table(made, "boxes.json")
    names = {c["id"]: c["name"] for c in exact["categories"]}
    written: dict[str, list] = {image["id"]: [] for image in exact["images"]}
    for box in exact["annotations"]:
        written[box["image_id"]].append((names[box["category_id"]], tuple(box["bbox"])))
    for shot in SMALL.shots():
        boxes = scene.boxes(SMALL.world, shot.event, shot.frame)
        assert written[shot.id] == [(box.species, box.box) for box in boxes]


def test_every_picture_loads_upright_and_in_the_size_that_is_listed(made):
    for image in table(made, "boxes.json")["images"]:
        pixels = loader.load(made / "images" / image["file_name"])
        assert pixels.shape == (image["height"], image["width"], 3)


def test_rotated_files_show_the_picture_upright(tmp_path):
    config = DemoDataset(images=60, locations=2, size=(120, 96), corrupt_files="none")
    dataset.make(config, tmp_path)
    orientations = Counter()
    for shot in config.shots():
        path = tmp_path / "images" / shot.file_name
        with Image.open(path) as stored:
            orientations[orientation := stored.getexif().get(0x0112, 1)] += 1
        if orientation != 1:
            shown = loader.load(path).astype(int)
            drawn, _ = scene.render(config.world, shot.event, shot.frame)
            assert np.abs(shown - drawn).mean() < 8  # JPEG; upside down it would be some 50
    assert 1 <= 60 - orientations[1] <= 10  # 6 %: 3.6 expected
    assert set(orientations) <= {1, 3, 6, 8}


def test_corrupt_files_are_what_they_are_called(made):
    marked = [i for i in table(made, "image_level.json")["images"] if i.get("corrupt")]
    reasons = {}
    for image in marked:
        with pytest.raises(loader.UnreadableImage) as error:
            loader.load(made / "images" / image["file_name"])
        reasons[image["id"].partition("corrupt_")[2]] = str(error.value)
    assert set(reasons) == {"zero_byte", "truncated", "text", "header_only"}
    assert reasons["zero_byte"] == "empty"
    assert reasons["truncated"] == "truncated"


@pytest.mark.parametrize(("how", "number"), [("unmarked", 28), ("none", 24)])
def test_corrupt_files_unmarked_or_left_out(how, number, tmp_path):
    config = DemoDataset(images=24, locations=3, size=(96, 96), corrupt_files=how)
    dataset.make(config, tmp_path)
    images = table(tmp_path, "image_level.json")["images"]
    assert len(images) == number == len(list((tmp_path / "images").rglob("*.jpg")))
    assert not any("corrupt" in image for image in images)


def test_command_writes_what_the_library_writes(made, tmp_path, capsys):
    flags = "--images=24 --locations=3 --size=160x120 --seed=5 --workers=1"
    assert make_demo_dataset.main([str(tmp_path), *flags.split()]) == 0
    assert digests(tmp_path) == digests(made)
    assert "24 pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--images", "0"], "--images must be at least 1, got 0"),
        (["--location-bias", "2"], "--location_bias must be in [0, 1], got 2.0"),
        (["--workers", "0"], "--workers must be at least 1, got 0"),
        (["--size", "8x8"], "--size must be 96x96 to 4096x4096, got 8x8"),
    ],
)
def test_command_says_what_is_wrong(flags, message, tmp_path, capsys):
    assert make_demo_dataset.main([str(tmp_path), *flags]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
