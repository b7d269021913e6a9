"""Crops of a demo data set, cut at its exact boxes, and the files that a classifier learns from.

    OUTPUT/crops/demo/loc000/loc000_seq0000_0.jpg___crop00.jpg
    OUTPUT/crops/crops_info.json
    OUTPUT/classification_ds.csv, label_index.json, splits.json

Each crop has the species that is in it, not the label that an expert gave the sequence.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from database_tools.core import boxes, splits
from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.core.errors import UserError
from database_tools.core.names import CropName
from database_tools.core.reasons import MAX_PIXELS
from database_tools.crops import cutting
from database_tools.crops.cutting import Crop, Job
from database_tools.demo import manifest
from database_tools.durable import files
from database_tools.formats import classification_csv, crops_info, label_index, splits_json
from database_tools.formats.crops_info import CropsInfo

DATASET = "demo"
FILES = ("classification_ds.csv", "label_index.json", "splits.json")
RECIPE = CropRecipe(Geometry.SQUARE, quality=90)


def make(output: Path) -> None:
    """Write crops and the three files into a finished demo data set, or what is missing of them.

    Raises:
        UserError: if fewer than three of its locations have animals.
    """
    table = files.read_json(output / "boxes.json")
    paths = [*(path for path, _, _ in _crops(table)), crops_info.NAME]
    names = [*(f"crops/{path}" for path in paths), *FILES]
    if all((output / name).exists() for name in names):
        return
    manifest.add(output, names)
    _write(output, table)
    manifest.finish(output)


def _write(output: Path, table: Mapping[str, Any]) -> None:
    crops = list(_crops(table))
    labels = sorted({label for _, label, _ in crops})
    locations = [str(image["location"]) for _, _, (image, _) in crops]
    parts = splits.deal([label for _, label, _ in crops], locations)
    for name, group in itertools.groupby(crops, lambda crop: str(crop[2][0]["file_name"])):
        wanted = [(output / "crops" / path, *found) for path, _, found in group]
        if missing := [crop for crop in wanted if not crop[0].exists()]:
            _cut(output / "images" / name, missing)
    crops_info.write(output / "crops", CropsInfo(RECIPE))
    rows = [
        classification_csv.Crop(path, DATASET, location, label, 1.0, (label,))
        for (path, label, _), location in zip(crops, locations, strict=True)
    ]
    classification_csv.write(output / "classification_ds.csv", rows)
    label_index.write(output / "label_index.json", labels)
    by_split = {name: frozenset((DATASET, place) for place in part) for name, part in parts.items()}
    splits_json.write(output / "splits.json", by_split)


def _crops(table: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[Any, list[int]]]]:
    """The path of each crop, its label, and the image and box that it is cut from."""
    images = {image["id"]: image for image in table["images"]}
    categories = {category["id"]: category["name"] for category in table["categories"]}
    for image_id, group in itertools.groupby(table["annotations"], lambda box: box["image_id"]):
        image = images[image_id]
        for i, box in enumerate(group):
            path = str(CropName(f"{DATASET}/{image['file_name']}", i))
            yield path, categories[box["category_id"]], (image, box["bbox"])


def _cut(picture: Path, wanted: list[tuple[Path, Any, list[int]]]) -> None:
    """Cut the crops of a picture: file, image and box in pixels of each.

    Raises:
        UserError: if the picture cannot be read any more.
    """
    _, image, _ = wanted[0]
    # Pixels are truncated when they are cut: half a one more keeps what rounding might take.
    pixels = np.array([box for _, _, box in wanted]) + 0.5
    rows = boxes.from_pixels(pixels, image["width"], image["height"])
    cut = cutting.cut(Job(str(picture), rows, RECIPE, MAX_PIXELS))
    if cut.reason is not None:
        raise UserError(f"{picture}: {cut.reason}; delete the data set, and make it again")
    for (file, _, _), crop in zip(wanted, cut.crops, strict=True):
        if isinstance(crop, Crop):
            files.write_bytes(file, crop.file)
