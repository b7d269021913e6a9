"""detect_and_crop: queried pictures, from boxes drawn by people or from the cache."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from database_tools import create_classification_dataset, detect_and_crop
from database_tools.formats import crops_info, ledger_json

HALF = [0.1, 0.2, 0.5, 0.5]


def found(conf, category="1"):
    return {"category": category, "conf": conf, "bbox": HALF}


class World:
    def __init__(self, root):
        self.root = root
        self.out, self.images, self.crops = root / "log", root / "images", root / "crops"
        self.cache, self.queried, self.found = root / "mdcache", {}, {}

    def picture(self, name, found=None, drawn=None):
        dataset, _, file = name.partition("/")
        path = self.images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(len(self.queried))
        Image.fromarray(rng.integers(0, 255, (50, 80, 3), np.uint8)).save(path, "JPEG")
        entry = {"dataset": dataset, "location": len(self.queried) % 3, "class": "elk"}
        if drawn is not None:
            entry["bbox"] = [{"category": category, "bbox": HALF} for category in drawn]
        self.queried[name] = {**entry, "label": ["elk"]}
        if found is not None:
            entry = {"detections": found} if isinstance(found, list) else {"failure": found}
            self.found.setdefault(dataset, []).append({"file": file, **entry})

    def run(self, *flags, version="v4.1", detector="md_v4.1.0.pb"):
        self.out.mkdir(exist_ok=True)
        (self.out / "queried_images.json").write_text(json.dumps(self.queried))
        for dataset, images in self.found.items():
            path = self.cache / version / f"{dataset}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            names = {"1": "animal", "2": "person"}
            info = {"format_version": "1.0", "detector": detector}
            table = {"info": info, "detection_categories": names, "images": images}
            path.write_text(json.dumps(table))
        words = [self.out / "queried_images.json", self.out, "-c", self.cache, "-v", "4.1"]
        words += ["-p", self.crops, "--images-dir", self.images, "--workers", "1", *flags]
        return detect_and_crop.main([str(word) for word in words])

    @property
    def names(self):
        return sorted(str(p.relative_to(self.crops)) for p in self.crops.rglob("*.jpg"))

    @property
    def ledger(self):
        return ledger_json.read(ledger_json.path_in(self.out, "detect_and_crop"))


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.picture("dsA/a/1.jpg", [found(0.95), found(0.5), found(0.81), found(0.9, "7")])
    world.picture("dsA/a/2.jpg", [found(0.99, "2"), found(0.9)])
    world.picture("dsA/a/3.jpg", [found(0.9)], drawn=["person", "animal"])
    world.picture("dsA/a/4.jpg", drawn=[])
    world.picture("dsA/a/5.jpg", drawn=["person"])
    world.picture("dsA/a/6.jpg", [found(0.7)])
    world.picture("dsA/a/7.jpg", "Failure image access")
    world.picture("dsA/a/8.jpg")
    world.picture("dsB/9.jpg")
    return world


def test_drawn_boxes_come_before_the_detectors_and_all_are_accounted_for(world):
    assert world.run("--threshold", "0.8", "--square-crops") == 0
    assert world.names == [
        "dsA/a/1.jpg___crop00_mdv4.1.jpg",
        "dsA/a/1.jpg___crop02_mdv4.1.jpg",
        "dsA/a/2.jpg___crop01_mdv4.1.jpg",
        "dsA/a/3.jpg___crop01.jpg",
    ]
    with Image.open(world.crops / world.names[0]) as crop:
        assert crop.size == (40, 40)  # 40 x 25 at (8, 10)
    assert world.ledger.dropped == {
        "failure in the detection file": ["dsA/a/7.jpg"],
        "no detections of its dataset": ["dsB/9.jpg"],
        "not in the detection file": ["dsA/a/8.jpg"],
        "nothing detected": ["dsA/a/4.jpg"],
        "only below the threshold": ["dsA/a/6.jpg"],
        "people or other categories only": ["dsA/a/5.jpg"],
    }
    assert (world.ledger.total, world.ledger.kept, world.ledger.made) == (9, 3, 4)
    [log] = world.out.glob("detect_and_crop_log_*.json")
    missing = json.loads(log.read_text())["images_missing_detections"]
    assert missing == ["dsA/a/7.jpg", "dsA/a/8.jpg", "dsB/9.jpg"]
    info = crops_info.read(world.crops)
    assert (info.detector, info.version, info.threshold) == ("md_v4.1.0.pb", "4.1", 0.8)


def test_the_next_step_lists_every_crop_at_its_number(world):
    world.run("--threshold", "0.8")
    words = [world.out, "--mode", "csv", "-q", world.out / "queried_images.json", "-c", world.crops]
    words += ["-d", world.cache, "-v", "4.1", "-t", "0.8"]
    assert create_classification_dataset.main([str(word) for word in words]) == 0
    rows = (world.out / "classification_ds.csv").read_text().splitlines()[1:]
    assert sorted(row.split(",")[0] for row in rows) == world.names


def test_a_box_of_an_unknown_category_keeps_its_place_in_the_next_step_too(world):
    world.picture("dsA/b.jpg", [found(0.99, "7"), found(0.9)])
    world.run("--threshold", "0.8")
    assert "dsA/b.jpg___crop01_mdv4.1.jpg" in world.names
    test_the_next_step_lists_every_crop_at_its_number(world)


def test_a_lower_threshold_adds_crops_and_says_so(world):
    world.run("--threshold", "0.9")
    before = set(world.names)
    assert world.run("--threshold", "0.7") == 0
    assert set(world.names) > before
    assert crops_info.read(world.crops).threshold == 0.7


def test_what_was_cached_as_4_1_0_is_found_by_4_1(world):
    assert world.run(version="v4.1.0") == 0
    assert "dsA/a/6.jpg___crop00_mdv4.1.jpg" in world.names


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("-v", "5"), "version 4.1.0, but --detector-version says 5"),
        (("--detection_category", "bear"), "no category bear; there are animal, person"),
        (("-v", "4/1"), "cannot be part of a file's name"),
    ],
)
def test_what_cannot_be_is_one_line_and_no_crop_is_made(world, capsys, flags, said):
    assert world.run(*flags, version="v5" if "5" in flags else "v4.1") == 2
    assert said in capsys.readouterr().err
    assert world.names == []


def test_a_broken_entry_of_the_query_ends_before_the_first_crop(world, capsys):
    world.queried["dsZ/z.jpg"] = {"dataset": "dsZ", "class": "elk"}
    assert world.run() == 2
    assert '"dsZ/z.jpg": no key' in capsys.readouterr().err
    assert world.names == []


def test_without_a_folder_of_crops_there_is_nothing_to_do(world, capsys):
    words = ["q.json", "log", "-c", "cache", "-v", "4.1"]
    assert detect_and_crop.main(words) == 2
    assert "nothing to do: say --run-detector or --cropped-images-dir" in capsys.readouterr().err


ROOT = Path(__file__).parents[3]


def detector(path):
    """Write an ONNX detector of two boxes, whose scores are the brightness of the picture."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, numbers = onnx.helper, onnx.numpy_helper.from_array
    table = np.array([[[8, 8, 40, 40, 0.9, 0], [20, 10, 60, 50, 0.6, 0]]], np.float32)
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["most"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["most", "shape"], ["bright"]),
        helper.make_node("Mul", ["table", "bright"], ["found"]),
    ]
    taken = helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ("n", 3, 64, 64))
    given = helper.make_tensor_value_info("found", onnx.TensorProto.FLOAT, None)
    known = [numbers(table, "table"), numbers(np.array([-1, 1, 1]), "shape")]
    graph = helper.make_graph(nodes, "yolo", [taken], [given], known)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"names": "{0: 'animal', 1: 'person', 2: 'vehicle'}"})
    path.write_bytes(model.SerializeToString())


def run_killed(words, cwd, moments):
    """Run a command, kill it at each of some moments, then let it end."""
    command = [sys.executable, "-m", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for moment in moments:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.DEVNULL)
        time.sleep(moment)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)


@pytest.mark.slow
def test_killed_while_detecting_caching_and_cropping_the_bytes_end_the_same(tmp_path):
    """Detect, cache and crop one query twice, once undisturbed."""
    draw, ends = random.Random(1), []
    for name, kills in (("calm", 0), ("killed", 2)):
        (tmp_path / name).mkdir()
        world = World(tmp_path / name)
        for i in range(30):
            world.picture(f"ds/{i % 3}/{i}.jpg")
        (world.root / "q.json").write_text(json.dumps(world.queried))
        detector(world.root / "md_v4.1.0.onnx")
        cached = "-c mdcache -v 4.1"
        for line in (
            "run_tf_detector_batch md_v4.1.0.onnx images/ds md.json --recursive "
            "--output_relative_filenames --checkpoint_frequency 4",
            f"cache_batchapi_outputs md.json -d ds {cached}",
            f"detect_and_crop q.json . -p crops --images-dir images --workers 2 {cached}",
        ):
            moments = [draw.uniform(0.2, 1.5) for _ in range(kills)]
            run_killed(f"database_tools.{line}".split(), world.root, moments)
        written = [world.root / "md.json", *world.cache.rglob("*"), *world.crops.rglob("*")]
        files = {p.relative_to(world.root): p.read_bytes() for p in written if p.is_file()}
        ends.append(files)
    assert ends[0] == ends[1]
    assert len(world.names) == 60
