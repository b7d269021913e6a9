"""What people know of pictures that a detector is judged by: an animal, nothing, or a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import reasons, splits
from database_tools.core.annotations import ImageId
from database_tools.core.errors import UserError
from database_tools.formats import coco_camera_traps
from database_tools.formats.coco_camera_traps import Annotation, Category, Image
from database_tools.labels_db.database import LabelDatabase, LabeledImage

ANIMAL, EMPTY, PERSON = "animal", "empty", "person"

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Truth:
    """A picture and what people say of it, ``of_sequence`` where they looked at the burst only.

    ``boxes`` are (label, x, y, width, height), relative; None where nobody drew any.
    """

    id: ImageId
    file: str
    location: str | None
    labels: tuple[str, ...]
    of_sequence: bool
    boxes: tuple[tuple[str, Box], ...] | None


@dataclass(frozen=True)
class Kinds:
    """Which labels, in lower case, are of pictures without anything, and of people."""

    empty: frozenset[str]
    person: frozenset[str]

    @classmethod
    def of(cls, empty: Collection[str], person: Collection[str]) -> Kinds:
        """Take them in any letter case; raise UserError if a label is both."""
        kinds = cls(
            *(frozenset(label.casefold() for label in labels) for labels in (empty, person))
        )
        if both := kinds.empty & kinds.person:
            raise UserError(f"--empty_labels and --person_labels: {min(both)!r} is in both")
        return kinds

    def kind(self, label: str) -> str:
        """Return what a label says is there."""
        text = label.casefold()
        return EMPTY if text in self.empty else PERSON if text in self.person else ANIMAL

    def judge(self, truth: Truth) -> str:
        """Return the kind of a picture, an animal beside a person being an animal; or a reason."""
        kinds = {self.kind(label) for label in truth.labels}
        if not kinds:
            return reasons.NO_ANNOTATION
        if EMPTY in kinds and len(kinds) > 1:
            return reasons.SEVERAL_CATEGORIES
        if truth.location is None:
            return reasons.NO_LOCATION
        return next(kind for kind in (ANIMAL, PERSON, EMPTY) if kind in kinds)

    def animals(self, labels: Iterable[str]) -> list[str]:
        """Return the labels of animals among some."""
        return [label for label in labels if self.kind(label) == ANIMAL]


def read_json(path: Path, location_key: str) -> list[Truth]:
    """Read COCO Camera Traps; raise UserError or FormatError if it is none."""
    names: dict[ImageId, str] = {}
    images: dict[ImageId, Image] = {}
    annotations: defaultdict[ImageId, list[Annotation]] = defaultdict(list)
    for row in coco_camera_traps.rows(path, location_key):
        if isinstance(row, Category):
            names[row.id] = row.name
        elif isinstance(row, Image):
            images[row.id] = row
        else:
            annotations[row.image_id].append(row)
    return [_truth(image, annotations[number], names) for number, image in images.items()]


def _truth(image: Image, notes: list[Annotation], names: dict[ImageId, str]) -> Truth:
    drawn = [(names.get(note.category_id, ""), _box(note, image)) for note in notes]
    boxes = tuple((label, box) for label, box in drawn if box is not None)
    return Truth(
        image.id,
        image.file_name,
        None if image.location is None else splits.text(image.location),
        tuple(sorted({names.get(note.category_id, str(note.category_id)) for note in notes})),
        any(note.sequence_level for note in notes),
        boxes or None,
    )


def _box(note: Annotation, image: Image) -> Box | None:
    if note.bbox_relative is not None:
        return note.bbox_relative
    if note.bbox is None or not image.width or not image.height:
        return None
    x, y, width, height = note.bbox
    return x / image.width, y / image.height, width / image.width, height / image.height


def read_database(path: Path, dataset: str | None) -> list[Truth]:
    """Read a label database; names lie in a folder of each dataset, unless one is asked for.

    Raises:
        UserError: if there is no such database or dataset.
    """
    with LabelDatabase(path) as labels:
        there = list(labels.datasets())
        if dataset is not None and dataset not in there:
            raise UserError(f"{path}: no dataset {dataset!r}; it has {', '.join(there) or 'none'}")
        found = []
        for name in there if dataset is None else [dataset]:
            classes = labels.classes(name)
            prefix = f"{name}/" if dataset is None else ""
            for rows in (labels.images(name, classes), labels.images_of_several(name, classes)):
                found += [_labeled(prefix, name, row) for row in rows]
    return found


def _labeled(prefix: str, dataset: str, row: LabeledImage) -> Truth:
    # Two datasets may call their locations alike.
    place = None if row.location is None else f"{dataset}/{splits.text(row.location)}"
    boxes = (
        None if not row.boxes else tuple((label, (x, y, w, h)) for label, x, y, w, h in row.boxes)
    )
    name = f"{prefix}{row.file}"
    return Truth(name, name, place, row.labels, row.of_sequence, boxes or None)
