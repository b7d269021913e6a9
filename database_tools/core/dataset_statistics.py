"""Statistics of a dataset of crops, in the original's words and to its spaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from database_tools.core import reasons, repeated_entries
from database_tools.core.annotations import UNLABELED, ImageId, Location
from database_tools.core.names import Listed, unnumbered, written

_ROW = "{:5} {:<15} {:>11}"


def lines(
    split: str, locations: Iterable[Location], categories: Mapping[int, str], labels: Iterable[int]
) -> Iterator[str]:
    """Yield what is printed for the images and annotations of a split (``training``, ``testing``).

    Source: legacy cropped_camera_trap_dataset_statistics.py.
    """
    counts = Counter(labels)
    yield f"Statistics of the {split} split: "
    yield "Locations used: "
    yield str(_sorted(set(locations)))
    yield f"In total  {len(categories)}  classes and  {counts.total()}  images."
    yield f"Classes with one or more images:  {len(counts)}"
    yield "Images per class:"
    yield _ROW.format("ID", "Name", "Image count")
    for class_id, name in categories.items():
        yield _ROW.format(class_id, name, counts[class_id])


def _sorted(locations: set[Location]) -> list[Location]:
    if any(isinstance(location, str) for location in locations):
        return sorted(locations, key=str)
    return sorted(locations)


class LocationFinder:
    """Finds where the image of a crop was taken."""

    def __init__(
        self, ids: Sequence[ImageId], files: Sequence[str], locations: Sequence[Location | None]
    ) -> None:
        names = [written(file) or file for file in files]
        known, left_out = repeated_entries.settle(names, [UNLABELED] * len(names), locations)
        self._by_id = dict(zip(ids, known, strict=True))
        self._by_file = {
            name: None if left_out.get(i) == reasons.SEVERAL_LOCATIONS else location
            for i, (name, location) in enumerate(zip(names, known, strict=True))
        }
        self._listed = Listed(self._by_file)

    def find(self, file: str, original_key: ImageId | None) -> Location | None:
        """Return the location of a crop's image, None if it has none.

        Args:
            file: of the crop, ``<category>/<file of the image>``; one of several crops of an
                image has ``_<number>`` before the extension.
            original_key: id of the image, None if not known: then the file's name tells.

        Raises:
            KeyError: if there is no such image.
        """
        if original_key in self._by_id:
            return self._by_id[original_key]
        crop = file.partition("/")[2]
        for name, _ in unnumbered(crop):
            if (listed := self._listed.find(name)) is not None:
                return self._by_file[listed]
        # Some datasets have ids that are paths without extension.
        return self._by_id[crop.rpartition(".")[0]]
