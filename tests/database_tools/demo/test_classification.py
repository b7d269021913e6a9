"""Crops of the demo world and the three files of a classification dataset."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from database_tools import make_demo_dataset
from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.formats import classification_csv, crops_info, label_index, splits_json
from database_tools.formats.crops_info import CropsInfo
from database_tools.imaging import loader

FLAGS = "--images=60 --locations=6 --size=160x120 --workers=1 --classification-dataset"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    assert make_demo_dataset.main([str(folder), *FLAGS.split()]) == 0
    return folder


@pytest.fixture(scope="module")
def exact(made):
    return json.loads((made / "boxes.json").read_text(encoding="utf-8"))


def test_every_box_has_a_row_and_a_crop(made, exact):
    rows = list(classification_csv.read(made / "classification_ds.csv"))
    names = {c["id"]: c["name"] for c in exact["categories"]}
    assert [row.labels for row in rows] == [
        (names[b["category_id"]],) for b in exact["annotations"]
    ]
    assert {row.confidence for row in rows} == {1.0}
    for row, box in zip(rows, exact["annotations"], strict=True):
        assert box["image_id"] in row.path
        assert row.location == box["image_id"].partition("_")[0]
        with Image.open(made / "crops" / row.path) as crop:
            assert crop.size == (max(box["bbox"][2:]),) * 2
            assert not crop.getexif()


def test_a_crop_shows_its_box(made, exact):
    images = {image["id"]: image for image in exact["images"]}
    for row, box in zip(
        classification_csv.read(made / "classification_ds.csv"), exact["annotations"], strict=True
    ):
        x, y, width, height = box["bbox"]
        picture = loader.load(made / "images" / images[box["image_id"]]["file_name"])
        crop = loader.load(made / "crops" / row.path).astype(int)
        inside = picture[y : y + height, x : x + width].astype(int)
        # A square inside the picture holds the box: look for it at every offset.
        offsets = [
            (top, left)
            for top in range(crop.shape[0] - height + 1)
            for left in range(crop.shape[1] - width + 1)
        ]
        apart = min(
            np.abs(crop[top : top + height, left : left + width] - inside).mean()
            for top, left in offsets
        )
        assert apart < 8  # encoded twice


def test_the_recipe_lies_beside_the_crops(made):
    recipe = CropRecipe(Geometry.SQUARE, quality=90)
    assert crops_info.read(made / "crops") == CropsInfo(recipe)


def test_labels_are_sorted_and_splits_share_no_location(made):
    labels = label_index.read(made / "label_index.json")
    assert labels == tuple(sorted(labels))
    splits = splits_json.read(made / "splits.json")
    counts = Counter(
        (
            next(name for name, places in splits.items() if (row.dataset, row.location) in places),
            label,
        )
        for row in classification_csv.read(made / "classification_ds.csv")
        for label in row.labels
    )
    assert {label for split, label in counts if split == "train"} == set(labels)
    assert {split for split, _ in counts} == {"train", "val", "test"}


def test_made_again_nothing_changes(made):
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    assert make_demo_dataset.main([str(made), *FLAGS.split()]) == 0
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_a_lost_crop_is_cut_again(made):
    [lost, *_] = sorted((made / "crops").rglob("*.jpg"))
    content = lost.read_bytes()
    lost.unlink()
    assert make_demo_dataset.main([str(made), *FLAGS.split()]) == 0
    assert lost.read_bytes() == content
