"""Asks the label database.

with LabelDatabase(Path("labels.db")) as labels:
    for image in labels.images("idfg", {"elk", "deer"}):
        ...
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from database_tools.core.annotations import Location
from database_tools.labels_db import schema
from database_tools.labels_db.importing import Place


class LabeledImage(NamedTuple):
    """A picture of a dataset, and its class.

    Attributes:
        file: path with the dataset's prefix, with forward slashes.
        labels: classes of the dataset, sorted; one, unless several were asked for.
        of_sequence: said of the whole burst, not of this picture.
        boxes: (category, x, y, width, height) of each, relative; None where nobody drew any.
    """

    file: str
    location: Location | None
    labels: tuple[str, ...]
    of_sequence: bool
    sequence: str | None
    boxes: tuple[tuple[str, float, float, float, float], ...] | None


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How often a class of a dataset occurs: pictures, and locations."""

    dataset: str
    label: str
    images: int
    locations: int


_IMAGES = """
SELECT image.file, location.value, label.name, image.of_sequence, image.sequence, image.boxes
FROM image JOIN label ON label.id = image.label LEFT JOIN location ON location.id = image.location
WHERE image.label IN ({places}) ORDER BY image.id
"""

_SEVERAL = """
SELECT image.file, location.value, group_concat(label.name, char(0)), several.of_sequence,
       image.sequence, image.boxes
FROM several JOIN image ON image.id = several.image JOIN label ON label.id = several.label
LEFT JOIN location ON location.id = image.location
WHERE image.id IN (SELECT image FROM several WHERE label IN ({places}))
GROUP BY image.id ORDER BY image.id
"""

_COUNTS = """
SELECT dataset.name, label.name, count(*), count(DISTINCT coalesce(image.location, -1))
FROM image JOIN label ON label.id = image.label JOIN dataset ON dataset.id = label.dataset
GROUP BY image.label ORDER BY dataset.name, label.name
"""

_COVERAGE = """
SELECT count(*), count(DISTINCT coalesce(location, -1)) FROM image WHERE label IN ({places})
"""


class LabelDatabase(AbstractContextManager["LabelDatabase"]):
    """A database that is open to be asked; use as a context manager."""

    def __init__(self, path: Path) -> None:
        """Open it; raise UserError if there is none."""
        self._db = schema.open_to_read(path)

    def __exit__(self, *error: object) -> None:
        self._db.close()

    def datasets(self) -> dict[str, Place]:
        """Return where each dataset's pictures lie, in alphabetical order."""
        rows = self._db.execute(
            "SELECT name, container_url, path_prefix, sas_env FROM dataset ORDER BY name"
        )
        return {row[0]: Place(*row) for row in rows}

    def classes(self, dataset: str) -> list[str]:
        """Return the classes of a dataset, in alphabetical order."""
        return sorted(self._numbers(dataset))

    def coverage(self, dataset: str, labels: Collection[str]) -> tuple[int, int]:
        """Return how many pictures have one of these classes alone, and at how many locations."""
        ids = self._label_ids(dataset, labels)
        question = _COVERAGE.format(places=", ".join("?" * len(ids)))
        images, locations = self._db.execute(question, ids).fetchone()
        return images, locations

    def images(self, dataset: str, labels: Collection[str]) -> Iterator[LabeledImage]:
        """Yield pictures of exactly one class that is wanted, sorted by file.

        The picture's own class counts before that of its burst.
        """
        yield from self._ask(_IMAGES, dataset, labels)

    def images_of_several(self, dataset: str, labels: Collection[str]) -> Iterator[LabeledImage]:
        """Yield pictures of several classes of which one or more are wanted, with all of them."""
        yield from self._ask(_SEVERAL, dataset, labels)

    def counts(self) -> Iterator[LabelCount]:
        """Yield how often each class of each dataset occurs in pictures of one class."""
        return (LabelCount(*row) for row in self._db.execute(_COUNTS))

    def shots(self, dataset: str) -> Iterator[tuple[str, str | None, str | None, Location | None]]:
        """Yield each picture's file, burst, time in the source's words, and location."""
        prefix = self._prefix(dataset)
        rows = self._db.execute(
            "SELECT file, sequence, datetime, value FROM dataset CROSS JOIN image "
            "ON image.id BETWEEN first_image AND last_image "
            "LEFT JOIN location ON location.id = image.location WHERE dataset.name = ?",
            (dataset,),
        )
        place = cache(json.loads)
        for file, sequence, time, location in rows:
            yield prefix + file, sequence, time, None if location is None else place(location)

    def sequence_sizes(self, dataset: str) -> dict[str, int]:
        """Return the number of pictures of each burst."""
        rows = self._db.execute(
            "SELECT sequence, count(*) FROM dataset CROSS JOIN image "
            "ON image.id BETWEEN first_image AND last_image "
            "WHERE dataset.name = ? AND sequence IS NOT NULL GROUP BY sequence",
            (dataset,),
        )
        return dict(rows)

    def _ask(self, query: str, dataset: str, labels: Collection[str]) -> Iterator[LabeledImage]:
        prefix = self._prefix(dataset)
        ids = self._label_ids(dataset, labels)
        if not ids:
            return
        question = query.format(places=", ".join("?" * len(ids)))
        # A dataset has few locations and classes, and many pictures of each.
        place, classes = cache(json.loads), cache(lambda names: tuple(sorted(names.split("\0"))))
        for file, location, names, of_sequence, sequence, boxes in self._db.execute(question, ids):
            yield LabeledImage(
                prefix + file,
                None if location is None else place(location),
                classes(names),
                of_sequence == 1,
                sequence,
                None if boxes is None else tuple(map(tuple, json.loads(boxes))),
            )

    def _prefix(self, dataset: str) -> str:
        prefix = self.datasets()[dataset].path_prefix
        return f"{prefix.rstrip('/')}/" if prefix else ""

    def _label_ids(self, dataset: str, labels: Collection[str]) -> list[int]:
        return [number for name, number in self._numbers(dataset).items() if name in labels]

    def _numbers(self, dataset: str) -> dict[str, int]:
        rows = self._db.execute(
            "SELECT label.name, label.id FROM label JOIN dataset ON dataset.id = label.dataset "
            "WHERE dataset.name = ?",
            (dataset,),
        )
        return dict(rows)
