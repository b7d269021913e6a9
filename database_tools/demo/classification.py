"""Crops of a demo data set, cut at its exact boxes, and the files that a classifier learns from.

    OUTPUT/crops/demo/loc000/loc000_seq0000_0.jpg___crop00.jpg
    OUTPUT/classification_ds.csv, label_index.json, splits.json

Each crop has the species that is in it, not the label that an expert gave the sequence.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from database_tools.core.errors import UserError
from database_tools.demo import manifest
from database_tools.durable import files
from database_tools.formats import classification_csv, label_index, splits_json
from database_tools.imaging import loader

DATASET = "demo"
FILES = ("classification_ds.csv", "label_index.json", "splits.json")
_QUALITY = 90
_TRIES = 2000
_HELD_OUT = 0.2  # of the locations, for val and for test each


def make(output: Path) -> None:
    """Write crops and the three files into a finished demo data set, or what is missing of them.

    Raises:
        UserError: if fewer than three of its locations have animals.
    """
    table = files.read_json(output / "boxes.json")
    names = [*(f"crops/{path}" for path, _, _ in _crops(table)), *FILES]
    if all((output / name).exists() for name in names):
        return
    manifest.add(output, names)
    _write(output, table)
    manifest.finish(output)


def _write(output: Path, table: Mapping[str, Any]) -> None:
    crops = list(_crops(table))
    labels = sorted({label for _, label, _ in crops})
    locations = [str(image["location"]) for _, _, (image, _) in crops]
    splits = split(labels, [label for _, label, _ in crops], locations)
    for name, group in itertools.groupby(crops, lambda crop: str(crop[2][0]["file_name"])):
        wanted = [(path, box) for path, _, (_, box) in group]
        missing = [(path, box) for path, box in wanted if not (output / "crops" / path).exists()]
        if not missing:
            continue
        picture = loader.open_upright(output / "images" / name)
        for path, box in missing:
            files.write_bytes(output / "crops" / path, _cut(picture, box))
    rows = [
        classification_csv.Crop(path, DATASET, location, label, 1.0, (label,))
        for (path, label, _), location in zip(crops, locations, strict=True)
    ]
    classification_csv.write(output / "classification_ds.csv", rows)
    label_index.write(output / "label_index.json", labels)
    splits_json.write(output / "splits.json", splits)


def _crops(table: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[Any, list[int]]]]:
    """The path of each crop, its label, and the image and box that it is cut from."""
    images = {image["id"]: image for image in table["images"]}
    categories = {category["id"]: category["name"] for category in table["categories"]}
    for image_id, boxes in itertools.groupby(table["annotations"], lambda box: box["image_id"]):
        image = images[image_id]
        for i, box in enumerate(boxes):
            path = f"{DATASET}/{image['file_name']}___crop{i:02d}.jpg"
            yield path, categories[box["category_id"]], (image, box["bbox"])


def _cut(picture: Image.Image, box: list[int]) -> bytes:
    """The smallest square around a box, moved into the picture; black where it is larger."""
    x, y, width, height = box
    side = max(width, height)
    left, top = (
        max(0, min(start - (side - length) // 2, whole - side))
        for start, length, whole in ((x, width, picture.width), (y, height, picture.height))
    )
    content = io.BytesIO()
    picture.crop((left, top, left + side, top + side)).save(content, "JPEG", quality=_QUALITY)
    return content.getvalue()


def split(
    names: list[str], labels: list[str], locations: list[str]
) -> dict[str, frozenset[splits_json.Location]]:
    """Deal locations to train, val and test so that each has its share of every label.

    Of 2,000 seeded deals, 60:20:20 by number of locations, the one whose shares of each label are
    nearest to that; a deal that leaves a label out of train is taken only if all do.

    Args:
        names: the n labels.
        labels: label of each crop.
        locations: location of each crop.
    """
    places = sorted(set(locations))
    if len(places) < 3:
        raise UserError(f"train, val and test need 3 locations with animals, got {len(places)}")
    counts = np.zeros((len(places), len(names)))
    rows = [places.index(location) for location in locations]
    np.add.at(counts, (rows, [names.index(label) for label in labels]), 1)
    held = max(1, round(_HELD_OUT * len(places)))
    rng = np.random.default_rng(0)
    deals = (rng.permutation(len(places)) for _ in range(_TRIES))
    best = min(deals, key=lambda deal: _unfairness(counts, deal, held))
    parts = {"val": best[:held], "test": best[held : 2 * held], "train": best[2 * held :]}
    return {name: frozenset((DATASET, places[i]) for i in part) for name, part in parts.items()}


def _unfairness(counts: npt.NDArray[np.float64], deal: npt.NDArray[np.intp], held: int) -> float:
    """Squared distances from each label's fair shares; much more where a part lacks a label."""
    parts = (deal[2 * held :], deal[:held], deal[held : 2 * held])
    dealt = np.stack([counts[part].sum(axis=0) for part in parts]) / counts.sum(axis=0)
    fair = np.array([[1 - 2 * _HELD_OUT], [_HELD_OUT], [_HELD_OUT]])
    lacking = (dealt == 0).sum(axis=1) @ np.array([1000, 0.3, 0.3])
    return float(((dealt - fair) ** 2).sum() + lacking)
