"""A small world to build datasets from: pictures, annotations and detections as a test needs."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from database_tools import make_classification_dataset
from database_tools.formats import example, tfrecord

BOX = (0.25, 0.25, 0.5, 0.5)
"""x, y, width, height: the middle of a picture."""


def pixels(width, height, seed):
    """A dark picture of soft noise with a bright rectangle in its middle, ``BOX``."""
    noise = np.random.default_rng(seed).integers(0, 60, (height // 4 + 1, width // 4 + 1, 3))
    picture = noise.repeat(4, 0).repeat(4, 1)[:height, :width].astype(np.uint8)
    picture[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4] = (255, 200, 200)
    return picture


@dataclass
class Built:
    """What a run left: its exit status and its output folders."""

    status: int
    coco: Path
    records: Path

    def json(self, name):
        return json.loads((self.coco / name).read_text(encoding="utf-8"))

    def files(self, split="train"):
        """Names of the crops of a split, by the JSON, in its order."""
        return [image["file_name"] for image in self.json(f"{split}.json")["images"]]

    def crop(self, name):
        return np.asarray(Image.open(self.coco / name))

    def shards(self):
        return sorted(path.name for path in self.records.glob("t*-*"))

    def examples(self, split="train"):
        return [
            example.decode(payload)
            for path in sorted(self.records.glob(f"{split}-*"))
            for payload in tfrecord.read(path)
        ]

    def ledger(self):
        folder = self.coco if self.coco.exists() else self.records
        path = folder / "make_classification_dataset_ledger.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def dropped(self):
        return self.ledger()["dropped"]

    def contents(self):
        """Every file of both folders and its bytes, without the tool's own state."""
        return {
            f"{folder.name}/{path.relative_to(folder)}": path.read_bytes()
            for folder in (self.coco, self.records)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and ".build" not in path.parts
        }


class World:
    """Grows by ``add``; ``run`` writes its files and runs the command on them."""

    def __init__(self, folder):
        self.folder = folder
        self.images = folder / "images"
        self.images.mkdir()
        self.table = {
            "categories": [
                {"id": 9, "name": "red fox"},
                {"id": 0, "name": "empty"},
                {"id": 4, "name": "hare"},
            ],
            "images": [],
            "annotations": [],
        }
        self.found = {}

    def add(self, number, category=9, location="A", boxes=(BOX,), file=None, **keys):
        """Add a picture with its annotation and its boxes, each sure to 0.9.

        A box may be (x, y, width, height), with a confidence and a category after them.
        """
        name = file or f"{location}/{number}.jpg"
        entry = {"id": number, "file_name": name, "location": location, **keys}
        self.table["images"].append({k: v for k, v in entry.items() if v is not None})
        if category is not None:
            self.label(number, category)
        self.found[name] = [(*box, *(0.9, "1")[len(box) - 4 :]) for box in boxes]
        return self.images / name

    def label(self, number, category):
        labels = self.table["annotations"]
        labels.append({"id": len(labels), "image_id": number, "category_id": category})

    def picture(self, path, width=80, height=60, seed=0, mode="RGB", **options):
        """Write a picture to ``path``, ``options`` as Pillow's."""
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels(width, height, seed)).convert(mode)
        picture.save(path, **{"quality": 95, **options})
        return path

    def fill(self, number=12, locations="ABC"):
        """Add so many pictures, foxes and hares at several locations."""
        for i in range(number):
            location = locations[i % len(locations)]
            path = self.add(f"i{i:03d}", (9, 4)[i % 2], location, seq_id=f"s{i // 2}")
            self.picture(path, seed=i)
        return self

    def write(self):
        """Write annotations and detections; return their paths."""
        annotations, detections = self.folder / "cct.json", self.folder / "md.json"
        annotations.write_text(json.dumps(self.table), encoding="utf-8")
        images = [
            {
                "file": name,
                "detections": [
                    {"category": category, "conf": conf, "bbox": [x, y, w, h]}
                    for x, y, w, h, conf, category in boxes
                ],
            }
            for name, boxes in self.found.items()
        ]
        table = {
            "info": {"format_version": "1.5", "detector": "by hand"},
            "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
            "images": images,
        }
        detections.write_text(json.dumps(table), encoding="utf-8")
        return annotations, detections

    def words(self, *flags, detector="-", outputs="ct", name="out", detections=True):
        """Return the words of a command line."""
        annotations, found = self.write()
        words = [str(annotations), str(self.images), str(detector), "--workers", "1"]
        if detections:
            words += ["--use_detection_file", str(found)]
        if "c" in outputs:
            words += ["--coco_style_output", str(self.folder / name / "c")]
        if "t" in outputs:
            words += ["--tfrecords_output", str(self.folder / name / "t")]
        return words + [str(flag) for flag in flags]

    def run(self, *flags, name="out", **options):
        """Run the command and return what it left."""
        status = make_classification_dataset.main(self.words(*flags, name=name, **options))
        return self.left(name, status)

    def left(self, name="out", status=0):
        """Return what a run that ended so left."""
        return Built(status, self.folder / name / "c", self.folder / name / "t")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture(scope="session")
def new_world():
    """Make a world in a folder, for tests that share one."""
    return World
