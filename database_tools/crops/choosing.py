"""Which boxes of queried pictures become crops: those that people drew, else detected ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core import detector_version, reasons
from database_tools.crops import wanted
from database_tools.crops.wanted import Rule, Wanted
from database_tools.detections import cache
from database_tools.detections.image_table import ImageTable
from database_tools.formats import detection_json
from database_tools.formats.megadetector_json import Header
from database_tools.formats.queried_images import QueriedImage


@dataclass(frozen=True)
class Dataset:
    """What was found in the pictures of one dataset."""

    header: Header
    table: ImageTable


class Chooser:
    """Chooses boxes of queried pictures; close it after use.

    A dataset's detections are read when its first picture without drawn boxes comes.
    """

    def __init__(self, folder: Path, version: str, rule: Rule) -> None:
        self._folder, self._version, self._rule = folder, version, rule
        self._datasets: dict[str, Dataset | None] = {}

    def close(self) -> None:
        """Give the disk's space back."""
        for dataset in filter(None, self._datasets.values()):
            dataset.table.close()

    def choose(self, image: QueriedImage) -> Wanted | str:
        """Return the boxes of a picture that become crops, or why there is none.

        Raises:
            UserError: if the dataset's detections are of another version or lack the category.
            FormatError: if their file breaks its format.
        """
        if image.boxes is not None:
            return wanted.of_drawn(image, self._rule)
        dataset = self._datasets.get(image.dataset) or self.dataset(image.dataset)
        if dataset is None:
            return reasons.NO_DETECTION_FILE
        if (found := dataset.table.find(image.file)) is None:
            return reasons.NOT_IN_DETECTION_FILE
        names = dataset.header.detection_categories
        return wanted.of_found(image.name, found, names, self._rule, self._version)

    def dataset(self, name: str) -> Dataset | None:
        """Return what was found in a dataset; None if the cache does not have it."""
        if name not in self._datasets:
            path = cache.find(self._folder, self._version, name)
            self._datasets[name] = None if path is None else self._open(path)
        return self._datasets[name]

    def _open(self, path: Path) -> Dataset:
        header = detection_json.read_header(path, whole=False)
        # Each picture is found once, in another order: through the disk that takes twice as long.
        table = ImageTable(in_memory=1 << 15)
        detector_version.choose(self._version, header.info.get("detector"), str(path))
        wanted.check_categories(path, header, self._rule)
        table.add_file(path)
        return Dataset(header, table)
