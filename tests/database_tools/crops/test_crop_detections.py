"""crop_detections: from a detection file to a folder of crops."""

import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from database_tools import crop_detections, remote
from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.durable import files
from database_tools.formats import crops_info, ledger_json

ROOT = Path(__file__).parents[3]


def box(bbox, conf=0.9, category="1", **more):
    return {"category": category, "conf": conf, "bbox": bbox, **more}


class World:
    def __init__(self, root):
        self.root, self.images, self.crops = root, root / "images", root / "crops"
        self.images.mkdir()
        self.entries = []

    def picture(self, name, boxes, size=(200, 100), exif=None, **more):
        rng = np.random.default_rng(len(self.entries))
        pixels = rng.integers(1, 255, (*size[::-1], 3), np.uint8)
        path = self.images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture, known = Image.fromarray(pixels), Image.Exif()
        if exif:
            known[0x0112] = exif
        picture.save(path, "JPEG", quality=95, exif=known)
        self.entries.append({"file": name, "detections": boxes, **more})
        return picture

    def detections(self):
        path = self.root / "detections.json"
        table = {
            "info": {"format_version": "1.0", "detector": "md_v4.1.0.pb"},
            "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
            "images": self.entries,
        }
        path.write_text(json.dumps(table))
        return path

    def words(self, *flags):
        words = [self.detections(), self.crops, "--images-dir", self.images, "-v", "4.1"]
        return [str(word) for word in (*words, "--logdir", self.root / "log", *flags)]

    def run(self, *flags):
        return crop_detections.main(self.words("--workers", "1", *flags))

    def crop(self, name):
        with Image.open(self.crops / name) as picture:
            return picture.convert("RGB")

    @property
    def names(self):
        return sorted(str(p.relative_to(self.crops)) for p in self.crops.rglob("*.jpg"))

    @property
    def ledger(self):
        return ledger_json.read(ledger_json.path_in(self.crops, "crop_detections"))

    def tree(self):
        return {
            str(p.relative_to(self.crops)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in self.crops.rglob("*")
            if p.is_file()
        }


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


# The worked example: boxes of a picture of 200 x 100 pixels.
BOXES = [[0.1, 0.1, 0.2, 0.5], [0.85, 0.2, 0.15, 0.6], [0, 0, 1, 1], [0.5, 0.5, 0.001, 0.001]]


def jpeg(image):
    content = io.BytesIO()
    image.convert("RGB").save(content, "JPEG")  # as the original: Pillow's own quality, 75
    return content.getvalue()


def pictures(world):
    for i in range(70):
        world.picture(f"cam{i % 3}/{i}.jpg", [box(b) for b in BOXES[: i % 4]])
    return [
        name
        for i in range(70)
        for name in (f"cam{i % 3}/{i}.jpg___crop{box:02d}_mdv4.1.jpg" for box in range(i % 4))
    ]


def test_pictures_and_crops_in_a_store_are_those_of_folders(world, object_store, monkeypatch):
    for i in range(4):
        world.picture(f"cam{i % 2}/{i}.jpg", [box(b) for b in BOXES[:i]])
    address = object_store("s3").fresh(monkeypatch, "crops")
    object_store.fill(f"{address}/images", world.images)
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.root / "home"))
    far = {str(world.images): f"{address}/images", str(world.crops): f"{address}/crops"}
    words = [far.get(word, word) for word in world.words("--workers", "2")]
    assert crop_detections.main(words) == world.run() == 0
    there = object_store.contents(f"{address}/crops")
    assert {n: hashlib.sha256(c).hexdigest() for n, c in there.items()} == {
        name: digest for name, digest in world.tree().items() if not name.startswith(".build")
    }


def test_a_cluster_that_does_not_see_the_folder_cuts_what_is_not_there(world, elsewhere):
    names = pictures(world)
    assert world.run() == 0
    whole, ledger = world.tree(), world.ledger
    for name in names[:3]:
        (world.crops / name).unlink()
    half = world.crops / "cam1" / ".half.jpg.1-1.tmp"
    half.touch()
    assert world.run("--dask_scheduler", "tcp://far:8786") == 0
    assert world.tree() == whole
    assert world.ledger == ledger
    assert [len(job) for job in elsewhere] == [48, 4]  # with boxes, of 64 and of 6 pictures
    assert sum(not all(task.there) for job in elsewhere for task in job) == 2
    assert not half.exists()


@pytest.mark.slow
def test_a_cluster_that_sees_the_folder_writes_the_same_crops(world, dask_cluster, monkeypatch):
    pictures(world)
    assert world.run() == 0
    whole, ledger = world.tree(), world.ledger
    shutil.rmtree(world.crops)
    written, write = [], files.write_bytes

    def noted(path, content, **options):
        written.append(path)
        write(path, content, **options)

    monkeypatch.setattr(files, "write_bytes", noted)
    assert world.run("--dask_scheduler", dask_cluster.scheduler_address) == 0
    assert world.tree() == whole
    assert world.ledger == ledger
    assert not [path for path in written if path.suffix == ".jpg"]


@pytest.mark.slow
def test_a_cluster_asks_the_store_and_knows_what_came_since(
    world, dask_cluster, object_store, monkeypatch
):
    address = object_store("s3").fresh(monkeypatch, "cluster")
    with dask_cluster.get_client() as client:  # credentials are each worker's own
        said = object_store("s3").environment
        client.run(lambda: os.environ.update(said))
    for i in range(2):
        world.picture(f"{i}.jpg", [box(BOXES[0])])
        object_store.fill(f"{address}/images", world.images)
        words = [w.replace(str(world.images), f"{address}/images") for w in world.words()]
        assert (
            crop_detections.main([*words, "--dask_scheduler", dask_cluster.scheduler_address]) == 0
        )
        assert world.ledger.kept == world.ledger.total == i + 1
        with dask_cluster.get_client() as client:  # they know the folder from now on
            client.run(lambda: list(remote.path(f"{address}/images").iterdir()))
    far = world.tree()
    shutil.rmtree(world.crops)
    assert world.run() == 0
    assert world.tree().keys() == far.keys()


@pytest.mark.parametrize(
    ("flags", "windows"),
    [
        ((), [(20, 10, 60, 60), (170, 20, 200, 80), (0, 0, 200, 100)]),
        (("--square-crops",), [(15, 10, 65, 60), (140, 20, 200, 80), None]),
        (("--legacy-square",), [(15, 10, 65, 60), (155, 20, 215, 80), None]),
    ],
)
def test_the_worked_example_gives_the_originals_bytes(world, flags, windows):
    world.picture("a.jpg", [box(b) for b in BOXES])
    assert world.run(*flags) == 0
    with Image.open(world.images / "a.jpg") as picture:
        whole = ImageOps.pad(picture.convert("RGB"), (200, 200))
        expected = [whole if window is None else picture.crop(window) for window in windows]
    for i, crop in enumerate(expected):
        path = world.crops / f"a.jpg___crop{i:02d}_mdv4.1.jpg"
        assert path.read_bytes() == jpeg(crop)
    assert len(world.names) == 3
    assert world.ledger.beside == {
        "box without area, of a picture with others": ["a.jpg___crop03_mdv4.1.jpg"]
    }


def black(image, least=20):
    return int((np.asarray(image).max(axis=2) < least).sum())


def test_a_square_that_is_larger_than_its_picture_is_padded_black(world):
    world.picture("a.jpg", [box([0, 0, 1, 1]), box([0.85, 0.2, 0.15, 0.6])])
    world.picture("b.jpg", [box([0, 0, 1, 0.9])], size=(100, 200))
    assert world.run("--square-crops", "--jpeg-quality", "100") == 0
    whole = world.crop("a.jpg___crop00_mdv4.1.jpg")
    assert whole.size == (200, 200)
    assert black(whole) == pytest.approx(20_000, abs=250)  # some pixels are dark themselves
    assert world.crop("a.jpg___crop01_mdv4.1.jpg").size == (60, 60)
    assert world.crop("b.jpg___crop00_mdv4.1.jpg").size == (180, 180)
    info = crops_info.read(world.crops)
    assert info.recipe == CropRecipe(Geometry.SQUARE, quality=100)
    assert (info.detector, info.version, info.threshold) == ("md_v4.1.0.pb", "4.1", 0.0)


def test_boxes_are_those_of_the_upright_picture(world):
    world.picture("a.jpg", [box([0, 0, 0.5, 0.25])], exif=6)  # 200 x 100, shown as 100 x 200
    assert world.run() == 0
    assert world.crop("a.jpg___crop00_mdv4.1.jpg").size == (50, 50)


def test_pixels_are_those_of_all_digits(world):
    world.picture("a.jpg", [box([0.7, 0.7, 0.29, 0.29])], size=(100, 100))
    assert world.run() == 0
    with Image.open(world.images / "a.jpg") as picture:
        side = int(0.29 * 100)  # 28, as 0.29 is a little less
        expected = jpeg(picture.crop((70, 70, 70 + side, 70 + side)))
    assert (world.crops / "a.jpg___crop00_mdv4.1.jpg").read_bytes() == expected


def test_what_is_cut_and_why_the_rest_is_not(world, capsys):
    half = [0, 0, 0.5, 0.5]
    world.picture(
        "d/a.jpg", [box(half, 0.3), box(half, 0.9, "2"), box(half, 0.8), box(half, 1, "9")]
    )
    world.picture("below.jpg", [box(half, 0.5)])
    world.picture("people.jpg", [box(half, 0.9, "2"), box(half, 0.9, "3")])
    world.picture("empty.jpg", [])
    world.picture("null.jpg", None)
    world.picture("clip.mp4", [box(half, frame_number=3)], frame_rate=30.0)
    world.picture("failed.jpg", None, failure="Failure TF inference")
    world.picture("cut off.jpg", [box(half)])
    path = world.images / "cut off.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    world.entries += [{"file": "gone.jpg", "detections": [box(half)]}]
    world.entries += [{"file": "../out.jpg", "detections": [box(half)]}]
    world.entries += [{"file": "x" * 250 + ".jpg", "detections": [box(half)]}]
    assert world.run("--threshold", "0.8") == 0
    assert world.names == ["d/a.jpg___crop02_mdv4.1.jpg"]
    ledger = world.ledger
    assert (ledger.total, ledger.kept, ledger.made) == (11, 1, 1)
    assert ledger.dropped == {
        "only below the threshold": ["below.jpg"],
        "people or other categories only": ["people.jpg"],
        "nothing detected": ["empty.jpg"],
        "failure in the detection file": ["null.jpg", "failed.jpg"],
        "boxes of a video": ["clip.mp4"],
        "truncated": ["cut off.jpg"],
        "missing": ["gone.jpg"],
        "file name outside the image folder": ["../out.jpg"],
        "file name too long for its crop": ["x" * 250 + ".jpg"],
    }
    [log] = (world.root / "log").iterdir()
    table = json.loads(log.read_text())
    assert table["images_missing_detections"] == ["clip.mp4", "failed.jpg", "null.jpg"]
    assert len(table["images_failed_download_or_crop"]) == 4
    assert (table["num_new_downloads"], table["num_new_crops"]) == (0, 1)


def test_people_are_cropped_if_asked_for(world):
    world.picture("a.jpg", [box([0, 0, 0.5, 0.5], 0.9, "2"), box([0, 0, 0.5, 0.5])])
    assert world.run("--detection_category", "Person") == 0
    assert world.names == ["a.jpg___crop00_mdv4.1.jpg"]


def test_more_than_a_hundred_boxes_have_a_name_each(world):
    world.picture("a.jpg", [box([0, 0, 0.1, 0.1])] * 102)
    assert world.run() == 0
    assert world.names[-1] == "a.jpg___crop99_mdv4.1.jpg"
    assert "a.jpg___crop101_mdv4.1.jpg" in world.names


@pytest.mark.parametrize("cut_to", [0, 1, 400, -1])
def test_a_crop_that_is_not_whole_is_cut_again(world, cut_to):
    world.picture("a.jpg", [box([0, 0, 1, 1]), box([0, 0, 0.5, 0.5])])
    world.run()
    before = world.tree()
    path = world.crops / "a.jpg___crop00_mdv4.1.jpg"
    path.write_bytes(path.read_bytes()[:cut_to])
    kept = (world.crops / "a.jpg___crop01_mdv4.1.jpg").stat().st_mtime_ns
    assert world.run() == 0
    assert world.tree() == before
    assert (world.crops / "a.jpg___crop01_mdv4.1.jpg").stat().st_mtime_ns == kept


def test_broken_pixels_are_found_when_asked_for(world):
    world.picture("a.jpg", [box([0, 0, 1, 1])])
    world.run()
    before = world.tree()
    path = world.crops / "a.jpg___crop00_mdv4.1.jpg"
    content = path.read_bytes()
    path.write_bytes(content[:300] + content[-2:])
    world.run()
    assert world.tree() != before
    world.run("--check-crops-valid")
    assert world.tree() == before


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--square-crops",), "geometry square, not box"),
        (("--jpeg-quality", "90"), "quality 90, not 75"),
        (("-v", "4.1.0"), "detector version 4.1.0, not 4.1"),
        (("-v", "5"), "--detector-version says 5"),
        (("--threshold", "2"), "--threshold must be in [0, 1]"),
        (("--jpeg-quality", "0"), "--jpeg-quality: quality must be in 1 to 100"),
        (("--detection_category", "bear"), "no category bear; there are animal, person, vehicle"),
        (("--images-dir", "/no/such"), "no such folder"),
        (("--workers", "0"), "--workers must be at least 1"),
    ],
)
def test_another_recipe_or_a_wrong_wish_is_one_line_and_nothing_changes(world, capsys, flags, said):
    world.picture("a.jpg", [box([0, 0, 0.5, 0.5])])
    assert world.run() == 0
    before = world.tree()
    assert world.run(*flags) == 2
    assert said in capsys.readouterr().err.strip().splitlines()[-1]
    assert world.tree() == before


def test_a_file_where_a_folder_is_wanted_is_one_line(world, capsys):
    world.picture("a.jpg", [box([0, 0, 0.5, 0.5])])
    (world.root / "log").write_text("")
    world.crops.write_text("")
    said = "crops: is a file, expected a folder to write to", "log/crop_detections_log"
    for free, words in zip((world.crops, world.root / "log"), said, strict=True):
        assert world.run() == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert words in error
        free.unlink()
    assert world.run() == 0
    crop = world.crops / world.names[0]
    crop.unlink()
    crop.mkdir()
    assert world.run() == 2
    assert "Is a directory" in capsys.readouterr().err.strip().splitlines()[-1]


def test_crops_of_nobody_knows_which_recipe_are_refused(world, capsys):
    world.picture("a.jpg", [box([0, 0, 0.5, 0.5])])
    world.run()
    (world.crops / crops_info.NAME).unlink()
    assert world.run() == 2
    assert "no crops_info.json says how it was cut" in capsys.readouterr().err


def test_a_folder_of_pictures_that_is_not_there_is_an_error_after_the_ledger(world, capsys):
    world.entries = [{"file": f"{i}.jpg", "detections": [box([0, 0, 1, 1])]} for i in range(3)]
    assert world.run() == 2
    assert "3 of 3 pictures could not be read, as" in capsys.readouterr().err
    assert len(world.ledger.dropped["missing"]) == 3


def test_one_picture_that_cannot_be_read_is_an_error_if_strict(world, capsys):
    for name in ("a.jpg", "b.jpg"):
        world.picture(name, [box([0, 0, 1, 1])])
    (world.images / "b.jpg").write_bytes(b"")
    assert world.run() == 0
    assert world.run("--strict") == 2
    assert "--strict: 1 pictures could not be read" in capsys.readouterr().err


def test_a_camera_s_comment_and_place_stay_behind(world):
    picture = world.picture("a.jpg", [box([0, 0, 1, 1])])
    picture.save(world.images / "a.jpg", comment=b"RECONYX", exif=Image.Exif())
    assert world.run() == 0
    assert b"RECONYX" not in (world.crops / "a.jpg___crop00_mdv4.1.jpg").read_bytes()


@pytest.fixture
def many(world):
    for i in range(40):
        boxes = [box([0.1 * j, 0.1, 0.3, 0.4]) for j in range(i % 4)]
        world.picture(f"site{i % 3}/{i}.jpg", boxes)
    return world


def test_any_number_of_workers_gives_the_same_bytes(many):
    many.run("--square-crops")
    one, many.crops = many.tree(), many.root / "two"
    assert crop_detections.main(many.words("--square-crops", "--workers", "2")) == 0
    assert many.tree() == one
    assert len(one) == 60 + 3  # ledger, recipe, lock


@pytest.mark.slow
def test_killed_again_and_again_the_crops_end_the_same(many):
    many.run("--square-crops")
    undisturbed, many.crops = many.tree(), many.root / "killed"
    command = [sys.executable, "-m", "database_tools.crop_detections"]
    command += many.words("--square-crops", "--workers", "2")
    rng = random.Random(0)
    for _ in range(6):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.3, 2.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert many.tree() == undisturbed


def test_the_readmes_command_runs_word_by_word(world, azurite, monkeypatch):
    for name in ("a.jpg", "far.jpg", "gone.jpg"):
        world.picture(name, [box([0, 0, 0.5, 0.5])])
    content = (world.images / "far.jpg").read_bytes()
    azurite.fill("container", {"far.jpg": content})
    for name in ("far.jpg", "gone.jpg"):
        (world.images / name).unlink()
    line = (
        "detections.json crops --images-dir images "
        "--container-url https://account.blob.core.windows.net/container?sas_token "
        "--detector-version 4.1 --threshold 0.8 --save-full-images --square-crops "
        "--threads 50 --logdir ."
    )
    world.detections()
    monkeypatch.chdir(world.root)
    monkeypatch.setenv("AZURE_BLOB_ENDPOINT", azurite.endpoint)
    words = line.replace("sas_token", azurite.sas("container")).split()
    assert crop_detections.main([*words, "--workers", "1"]) == 0
    assert world.names == ["a.jpg___crop00_mdv4.1.jpg", "far.jpg___crop00_mdv4.1.jpg"]
    assert (world.images / "far.jpg").read_bytes() == content
    assert world.ledger.dropped == {"missing": ["gone.jpg"]}
    assert len(list(world.root.glob("crop_detections_log_*.json"))) == 1
