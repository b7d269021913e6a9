"""From queried pictures to ``classification_ds.csv``: which of their crops are training examples.

    queried_images.json + detections + a folder of crops -> rows, in the order of the queried
    pictures and of each one's boxes

A crop counts if it is of an animal, sure enough, and lies in the folder.  Boxes drawn by people
are sure (1.0), and a picture that has some takes them instead of the detector's.

Source: README, "Creating the classification dataset CSV".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from database_tools.core import reasons
from database_tools.core.detections import Failure
from database_tools.core.ledger import Drops
from database_tools.core.names import CropName
from database_tools.core.split_search import Location
from database_tools.core.splits import UNKNOWN
from database_tools.detectors import precomputed
from database_tools.detectors.precomputed import Precomputed
from database_tools.durable.listing import Folders
from database_tools.formats.classification_csv import Crop
from database_tools.formats.queried_images import QueriedImage

STAGE = "create_classification_dataset"

NO_CACHE = "no detections of its dataset"
NO_CROP = "crop missing"
MATCHED_TEST = "at a location of the test set to match"

_ANIMAL = "animal"
_SURE = 1.0


@dataclass(frozen=True)
class CropSource:
    """Where crops and the detections that they were cut by lie.

    Attributes:
        crops: folder of crops.
        cache: folder of detections, ``v<version>/<dataset>.json``.
        version: of the detector.
        threshold: least confidence that counts.
    """

    crops: Path
    cache: Path
    version: str
    threshold: float

    def detections(self, dataset: str) -> Precomputed | None:
        """Read what was found in a dataset's pictures; None if there is no such file."""
        path = self.cache / f"v{self.version}" / f"{dataset}.json"
        return precomputed.read(path) if path.is_file() else None


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
        image = CropName.parse(first.path).image
        if filters.min_locs and len(places[_label(first)]) < filters.min_locs:
            drops.add(reasons.FEW_LOCATIONS, image)
        elif (first.dataset, first.location) in filters.taken:
            drops.add(MATCHED_TEST, image)
        else:
            yield crops


def _label(crop: Crop) -> str:
    return ",".join(crop.labels)


def _examples(
    images: Iterable[QueriedImage], source: CropSource, drops: Drops
) -> Iterator[list[Crop]]:
    there = Folders(source.crops)
    found: Precomputed | None = None
    dataset = ""
    for image in images:
        if image.boxes is None and image.dataset != dataset:
            dataset, found = image.dataset, source.detections(image.dataset)
        boxes = _boxes(image, found, source)
        if isinstance(boxes, str):
            drops.add(boxes, image.name)
        elif crops := [crop for crop in boxes if crop.path in there]:
            yield crops
        else:
            drops.add(NO_CROP, image.name)


def _boxes(image: QueriedImage, found: Precomputed | None, source: CropSource) -> list[Crop] | str:
    """Return a row for each box that counts, or why there is none."""
    if image.boxes is not None:
        drawn = [i for i, box in enumerate(image.boxes) if box.category == _ANIMAL]
        return [_row(image, i, _SURE, None) for i in drawn] or reasons.NOTHING_DETECTED
    if found is None:
        return NO_CACHE
    detections = found.find(image.file, image.file)
    if detections is None:
        return reasons.NOT_IN_DETECTION_FILE
    if isinstance(detections, Failure):
        return reasons.FAILURE_IN_DETECTION_FILE
    animals = [i for i, c in enumerate(detections.categories) if found.categories.get(c) == _ANIMAL]
    if not animals:
        return reasons.PEOPLE_ONLY if len(detections) else reasons.NOTHING_DETECTED
    reach = detections.at_least(source.threshold)
    return [
        _row(image, i, _digits(detections.scores[i]), source.version) for i in animals if reach[i]
    ] or reasons.BELOW_THRESHOLD


def _row(image: QueriedImage, box: int, confidence: float, version: str | None) -> Crop:
    path = str(CropName(image.name, box, version))
    location = UNKNOWN if image.location is None else str(image.location)
    return Crop(path, image.dataset, location, image.dataset_class, confidence, image.labels)


def _digits(score: float) -> float:
    """Give a float32 the digits that its file had: 0.926, not 0.9259999990463257."""
    return float(str(np.float32(score)))
