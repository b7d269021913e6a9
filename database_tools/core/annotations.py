"""What people know about pictures: one row a picture, one category or none.

Kept as columns, not objects: a million pictures fit into some hundred megabytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

UNLABELED = -1
"""In ``classes``: no annotation."""

SEVERAL = -2
"""In ``classes``: annotations of more than one category."""

ImageId = int | str
Location = int | float | str


@dataclass(frozen=True, eq=False)
class Annotations:
    """The pictures of a dataset, in the order of their sorted ids.

    Attributes:
        categories: names in the order of the file; a class id is a position here.
        ids: as the file has them, all numbers or all texts, sorted.
        files: paths relative to the folder of pictures, as the file has them.
        locations: as the file has them; None where there is none.
        sequences: ids of bursts as text, "" where there is none.
        classes: class id of each picture, UNLABELED or SEVERAL.
        unlisted: ids that annotations name but that no picture has, each once, as text.
        keys: every key that a picture has, in the order of appearance.
        example: one picture's annotation as the file has it, for people to look at.
    """

    categories: tuple[str, ...]
    ids: Sequence[ImageId]
    files: Sequence[str]
    locations: Sequence[Location | None]
    sequences: Sequence[str]
    classes: array[int]
    unlisted: tuple[str, ...]
    keys: tuple[str, ...]
    example: dict[str, object]

    def __len__(self) -> int:
        return len(self.ids)
