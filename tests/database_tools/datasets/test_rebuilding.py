"""The two final files of a build say the same, whatever file or detector the build had."""

import json

import numpy as np
import pytest
from PIL import Image

from database_tools import make_classification_dataset

PICTURES = 12


@pytest.fixture
def world(tmp_path):
    """Twelve pictures, and a detection file of MegaDetector 1.0 whose ids are not usual."""
    draw = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    table = {"info": {}, "categories": [{"id": 1, "name": "fox"}], "images": [], "annotations": []}
    found = []
    for i in range(PICTURES):
        pixels = draw.integers(0, 255, (61, 83, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"images/{i}.jpg")
        name = f"{i}.jpg"
        table["images"].append({"id": i, "file_name": name, "location": i % 3})
        table["annotations"].append({"id": i, "image_id": i, "category_id": 1})
        x, y = draw.uniform(0, 0.5, 2).round(4)
        boxes = [
            {"category": "0", "conf": 0.7, "bbox": [x, y, 0.4, 0.3]},  # 0.7 is less as float32
            {"category": "1", "conf": 0.95, "bbox": [0, 0, 1, 1]},
            {"category": "7", "conf": 0.95, "bbox": [0, 0, 1, 1]},  # unknown: none
            {"category": "0", "conf": 0.004, "bbox": [0, 0, 1, 1]},
        ]
        found.append({"file": name, "detections": boxes})
    found[4] = {"file": "4.jpg", "failure": "Failure image access"}
    found[5] = {"file": "5.jpg", "detections": []}
    (tmp_path / "cct.json").write_text(json.dumps(table))
    detections = {
        "images": found,
        "detection_categories": {"0": "animal", "1": "person"},
        "info": {"format_version": "1.0", "detector": "mine"},
    }
    (tmp_path / "md.json").write_text(json.dumps(detections))
    return tmp_path


def build(world, name, file):
    out = world / name
    words = [world / "cct.json", world / "images", "-", "--use_detection_file", file]
    words += ["--coco_style_output", out, "--tfrecords_output", out / "records"]
    words += ["--detection_threshold", "0.7"]
    assert make_classification_dataset.main([str(word) for word in words]) == 0
    return out


def dataset(folder):
    """Bytes of everything that a dataset consists of."""
    own = (".build", "detections_final", "dataset_info", "_ledger", "preview")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part in str(path.relative_to(folder)) for part in own)
    }


def test_pickle_and_json_rebuild_what_any_detection_file_built(world):
    first = build(world, "first", world / "md.json")
    crops = [name for name in dataset(first) if name.startswith("fox/")]
    assert len(crops) == PICTURES - 2
    for file in ("detections_final.pkl", "detections_final.json"):
        again = build(world, f"again_{file[-4:]}", first / file)
        assert dataset(again) == dataset(first)
        for name in ("detections_final.pkl", "detections_final.json"):
            if name.endswith("pkl") or file.endswith("json"):
                assert (again / name).read_bytes() == (first / name).read_bytes()


def test_pickle_rebuilds_without_its_twin_beside_it(world):
    first = build(world, "first", world / "md.json")
    (first / "detections_final.pkl").rename(world / "moved.pkl")
    assert dataset(build(world, "again", world / "moved.pkl")) == dataset(first)
