"""From queried pictures to ``classification_ds.csv``: which of their crops are training examples.

    queried_images.json + detections + a folder of crops -> rows, in the order of the queried
    pictures and of each one's boxes

A crop counts if it is of an animal, sure enough, and lies in the folder.  Boxes drawn by people
are sure (1.0), and a picture that has some takes them instead of the detector's.

Source: README, "Creating the classification dataset CSV".
"""

from __future__ import annotations

import contextlib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from database_tools.core import reasons
from database_tools.core.ledger import Drops
from database_tools.core.names import CropName
from database_tools.core.split_search import Location
from database_tools.core.splits import UNKNOWN
from database_tools.crops.choosing import Chooser
from database_tools.crops.wanted import Rule
from database_tools.durable.listing import Folders
from database_tools.formats.classification_csv import Crop
from database_tools.formats.queried_images import QueriedImage

STAGE = "create_classification_dataset"

NO_CROP = "crop missing"
MATCHED_TEST = "at a location of the test set to match"


@dataclass(frozen=True)
class CropSource:
    """Folders of crops and of the detections that they were cut by, and which of these count."""

    crops: Path
    cache: Path
    version: str
    threshold: float


@dataclass(frozen=True)
class Filters:
    """Which rows stay, after all of them are known.

    Attributes:
        min_locs: fewest locations of a label; labels of fewer are left out.
        taken: locations of a test set that is to be matched; its own rows take their place.
    """

    min_locs: int = 0
    taken: frozenset[Location] = frozenset()


def rows(
    images: Callable[[], Iterable[QueriedImage]],
    source: CropSource,
    filters: Filters,
    drops: Drops,
) -> Iterator[list[Crop]]:
    """Yield the rows of each picture that has some; note why the others have none.

    Args:
        images: reads the queried pictures; called twice if labels are to be counted first, so
            that no table of millions of rows is held.
        source: of crops and detections.
        filters: which rows stay.
        drops: gets the pictures without rows.
    """
    places: defaultdict[str, set[Location]] = defaultdict(set)
    if filters.min_locs:
        for crops in _examples(images(), source, Drops()):
            places[_label(crops[0])].add(crops[0][1:3])
    for crops in _examples(images(), source, drops):
        # Label and location are the picture's, so its rows stay or go together.
        first = crops[0]
        if filters.min_locs and len(places[_label(first)]) < filters.min_locs:
            drops.add(reasons.FEW_LOCATIONS, CropName.parse(first.path).image)
        elif filters.taken and first[1:3] in filters.taken:
            drops.add(MATCHED_TEST, CropName.parse(first.path).image)
        else:
            yield crops


def _label(crop: Crop) -> str:
    return ",".join(crop.labels)


def _examples(
    images: Iterable[QueriedImage], source: CropSource, drops: Drops
) -> Iterator[list[Crop]]:
    there = Folders(source.crops)
    rule = Rule(source.threshold)
    with contextlib.closing(Chooser(source.cache, source.version, rule)) as chooser:
        for image in images:
            chosen = chooser.choose(image)
            if isinstance(chosen, str):
                drops.add(chosen, image.name)
                continue
            dataset, _, location, original, labels, _ = image
            at = UNKNOWN if location is None else str(location)
            if rows := [
                Crop(crop, dataset, at, original, _digits(conf), labels)
                for crop, conf in zip(chosen.crops, chosen.confidences, strict=True)
                if crop in there
            ]:
                yield rows
            else:
                drops.add(NO_CROP, image.name)


@functools.lru_cache(1024)  # scores have three digits
def _digits(score: float) -> float:
    """Give a float32 the digits that its file had: 0.926, not 0.9259999990463257."""
    return float(str(np.float32(score)))
