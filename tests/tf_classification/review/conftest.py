"""A small dataset with pictures, crops, detections and lists of candidates, without any model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from database_tools.formats import classification_csv, classifier_csv
from database_tools.formats.classification_csv import Crop
from tf_classification import identify_mislabeled_candidates

LABELS = ("canid", "cervid", "human")
# dataset, file, location, class, label, probabilities of its crops
PICTURES = [
    ("idfg", "a/0.jpg", "1", "wolf", "canid", [(0.04, 0.95, 0.01), (0.9, 0.1, 0.0)]),
    ("idfg", "a/1.jpg", "1", "wolf", "canid", [(0.8, 0.2, 0.0)]),
    ("idfg", "b/2 é.jpg", "2", "muledeer", "cervid", [(0.7, 0.2, 0.1)]),
    ("idfg", "b/3.jpg", "2", "fox", "canid", [(0.2, 0.0, 0.8)]),
    ("caltech", "c.jpg", "1", "coyote", "canid", [(0.3, 0.7, 0.0)]),
]
PERSON = (0.5, 0.25, 0.25, 0.5)


class World:
    """Where all lies."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.base, self.crops = folder, folder / "base", folder / "crops"
        self.images, self.detections = folder / "images", folder / "detections.json"
        self.lists = sorted(self.base.glob("run/*.txt"))

    def words(self, out, *more):
        return [str(word) for word in (self.base, self.crops, out, *self.lists, *more)]


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    rows, entries = [], []
    (folder / "base" / "run").mkdir(parents=True)
    with classifier_csv.writing(
        folder / "base" / "run" / "outputs_test.csv.gz", LABELS, labels=True, weights=True
    ) as table:
        for number, (dataset, file, place, name, label, shares) in enumerate(PICTURES):
            picture = Image.new("RGB", (1600, 1200), (60, 30 * number, 200))
            exif = Image.Exif()
            exif.get_ifd(0x8825)[1] = "N"  # GPS
            path = folder / "images" / dataset / file
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, exif=exif)
            boxes = []
            for i, row in enumerate(shares):
                crop = f"{dataset}/{file}___crop{i:02d}_mdv4.1.jpg"
                (folder / "crops" / crop).parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (90, 60), (200, 40 * i, number)).save(folder / "crops" / crop)
                rows.append(Crop(crop, dataset, place, name, 0.9, (label,)))
                table.write([crop], np.array([row], np.float32), [label], np.ones(1))
                boxes.append({"category": "1", "conf": 0.9, "bbox": [0.1 + 0.2 * i, 0.1, 0.1, 0.2]})
            boxes.append({"category": "2", "conf": 0.9, "bbox": list(PERSON)})
            entries.append({"file": f"{dataset}/{file}", "detections": boxes})
    classification_csv.write(folder / "base" / classification_csv.NAME, rows)
    found = {
        "info": {"format_version": "1.3"},
        "detection_categories": {"1": "animal", "2": "person"},
        "images": entries,
    }
    (folder / "detections.json").write_text(json.dumps(found))
    words = [str(folder / "base" / "run"), "--margin", "0.3"]
    assert identify_mislabeled_candidates.main(words) == 0
    return World(folder)


@pytest.fixture
def export(browser, tmp_path):
    """A way to press ``e`` and get the CSV that the browser saves."""

    def save(name):
        folder = tmp_path / "downloads"
        browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        browser.press("e")
        browser.wait(f"document.getElementById('said').textContent.endsWith({name!r})")
        for _ in range(200):
            if (folder / name).exists():
                return folder / name
            browser.evaluate("new Promise((done) => setTimeout(done, 50))")
        raise AssertionError("no file came")

    return save
