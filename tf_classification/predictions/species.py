"""``species.csv``: what is in each picture, for people and for R.

    file,folder,datetime,species,count,confidence,decision
    site1/a.jpg,site1,2021-05-03 06:12:00,red fox,2,0.913,accepted
    site1/a.jpg,site1,2021-05-03 06:12:00,person,1,0.97,detector
    site1/b.jpg,site1,,empty,0,,detector
    site2/c.jpg,site2,,failed,,,look at it

A row for each picture and species; ``person`` and ``vehicle`` are the detector's, ``empty`` has no
box at the threshold, ``failed`` could not be read.  ``confidence`` is that of the least sure animal
of the row.  ``decision``: ``accepted`` if the model's threshold for the species accepts all of
them, else ``look at it``; ``unknown: look`` if one is like nothing that the model learnt, where
that was asked; ``detector`` where no classifier was asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from database_tools.formats import csv_table, unknown_csv
from database_tools.formats.megadetector_json import Box, Header, Image
from database_tools.imaging import taken

EMPTY, FAILED = "empty", "failed"
ACCEPTED, LOOK, DETECTOR = "accepted", "look at it", "detector"
UNKNOWN = unknown_csv.LOOK

Strange = Collection[tuple[str, int]]
"""Files and the numbers of their boxes."""


@dataclass(frozen=True, slots=True)
class Row:
    """See the module; numbers as text, as they are written."""

    file: str
    folder: str
    datetime: str
    species: str
    count: str
    confidence: str
    decision: str


@dataclass(frozen=True)
class Names:
    """What boxes are called, and when that is accepted.

    Attributes:
        header: of the detections, with classes.
        threshold: least confidence of a box, which counts.
        limits: species to the least confidence that is accepted; None or nothing for never.
        strange: boxes of animals that the model never learnt.
    """

    header: Header
    threshold: float
    limits: Mapping[str, float | None]
    strange: Strange = frozenset()

    def of(self, file: str, place: int, box: Box) -> tuple[str, float, str]:
        """Return the species of a file's box, the confidence in it and the decision."""
        if not box.classifications:
            name = self.header.detection_categories.get(box.category, box.category)
            return name, box.conf, LOOK if name == "animal" else DETECTOR
        number, sure = max(box.classifications, key=lambda found: found[1])
        name = self.header.classification_categories[number]
        if (file, place) in self.strange:
            return name, sure, UNKNOWN
        limit = self.limits.get(name)
        return name, sure, ACCEPTED if limit is not None and sure >= limit else LOOK


def rows(images: Iterable[Image], folder: Path, names: Names) -> Iterator[Row]:
    """Yield the rows of each picture; species in alphabetical order."""
    least = np.float32(names.threshold)
    for image in images:
        about = (image.file, image.file.rpartition("/")[0], taken.when(folder / image.file))
        if image.boxes is None:
            yield Row(*about, FAILED, "", "", LOOK)
            continue
        found: dict[str, list[tuple[float, str]]] = {}
        for place, box in enumerate(image.boxes):
            if np.float32(box.conf) >= least:
                name, sure, decision = names.of(image.file, place, box)
                found.setdefault(name, []).append((sure, decision))
        if not found:
            yield Row(*about, EMPTY, "0", "", DETECTOR)
        for name, boxes in sorted(found.items()):
            said = {its for _, its in boxes}
            decision = next((d for d in (UNKNOWN, LOOK) if d in said), boxes[0][1])
            yield Row(*about, name, str(len(boxes)), repr(min(boxes)[0]), decision)


def write(path: Path, found: Iterable[Row]) -> None:
    """Write the rows as they come; the file appears whole at the end."""
    with csv_table.writing(path, [field.name for field in fields(Row)]) as table:
        table.writerows(map(astuple, found))


def read(path: Path) -> Iterator[Row]:
    """Read what ``write`` wrote."""
    return (Row(**cells) for _, cells in csv_table.rows(path))
