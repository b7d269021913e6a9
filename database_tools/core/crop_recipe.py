"""How crops are made: geometry, padding, kind of file and quality, as one value.

    {"geometry": "square", "padding": 1.0, "file": "jpeg", "quality": 75}

It is stored with what was made by it (``dataset_info.json``, ``crops_info.json``, a model's
bundle), and compared by whoever goes on with that or learns from it.

===============  =============================================================================
geometry         where a picture is cut for a box
===============  =============================================================================
padded window    a square around the box, larger by ``padding``, cut off at the picture's edges
                 (the dataset of 2019)
square           the smallest square around the box, moved into the picture; where it is larger
                 than the picture, black on both sides
legacy square    the same by the original's arithmetic, which at the right and bottom edges
                 does not move it far enough: black there (for classifiers that learnt so)
box              the box itself
===============  =============================================================================
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy.typing as npt

from database_tools.core import crop_windows
from database_tools.core.crop_windows import Windows

_Kind = TypeVar("_Kind", bound=enum.StrEnum)


class Geometry(enum.StrEnum):
    """See the module."""

    PADDED_WINDOW = "padded window"
    SQUARE = "square"
    LEGACY_SQUARE = "legacy square"
    BOX = "box"


class FileKind(enum.StrEnum):
    """What kind of file a crop is.

    ``AS_PICTURE``: that of the picture's name (see ``imaging.crops``), JPEG for most.
    """

    JPEG = "jpeg"
    AS_PICTURE = "as picture"


@dataclass(frozen=True, slots=True)
class CropRecipe:
    """See the module.

    Attributes:
        padding: side of a padded window over the longer side of its box, finite, at least 1; 1
            for the other geometries, which have none.
        quality: of JPEG files, 1 to 100.  The JPEG that a record has of a crop which is another
            kind of file has always 100.

    Raises:
        ValueError: for a number out of range.
    """

    geometry: Geometry = Geometry.SQUARE
    padding: float = 1.0
    file: FileKind = FileKind.JPEG
    quality: int = 75

    def __post_init__(self) -> None:
        if not (self.padding >= 1 and math.isfinite(self.padding)):
            raise ValueError(f"padding must be a finite number of at least 1, got {self.padding}")
        if self.padding != 1 and self.geometry is not Geometry.PADDED_WINDOW:
            raise ValueError(f"geometry {self.geometry} has no padding, got {self.padding}")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"quality must be in 1 to 100, got {self.quality}")

    @classmethod
    def of_2019(cls, padding: float) -> CropRecipe:
        """Return the recipe of ``make_classification_dataset.py``."""
        return cls(Geometry.PADDED_WINDOW, padding, FileKind.AS_PICTURE)

    def windows(self, boxes: npt.ArrayLike, width: int, height: int) -> Windows:
        """Return where a picture of this size is cut for its boxes; see ``crop_windows``."""
        match self.geometry:
            case Geometry.PADDED_WINDOW:
                return crop_windows.padded(boxes, width, height, self.padding)
            case Geometry.BOX:
                return crop_windows.tight(boxes, width, height)
            case _:
                legacy = self.geometry is Geometry.LEGACY_SQUARE
                return crop_windows.square(boxes, width, height, legacy=legacy)

    def difference(self, other: CropRecipe) -> str:
        """Say in words how this recipe differs from another; empty if it does not."""
        mine, theirs = self.as_json(), other.as_json()
        return ", ".join(
            f"{name} {value}, not {theirs[name]}"
            for name, value in mine.items()
            if value != theirs[name]
        )

    def as_json(self) -> dict[str, str | float | int]:
        """Return what JSON stores."""
        return {
            "geometry": self.geometry.value,
            "padding": float(self.padding),
            "file": self.file.value,
            "quality": self.quality,
        }

    @classmethod
    def from_json(cls, table: object) -> CropRecipe:
        """Read what ``as_json`` wrote.

        Raises:
            ValueError: if something is missing, unknown or out of range, in words.
        """
        if not isinstance(table, Mapping):
            raise ValueError(f"a crop recipe is an object, got {table!r}")
        names = [field.name for field in fields(cls)]
        if set(table) != set(names):
            raise ValueError(f"a crop recipe has {', '.join(names)}; got {', '.join(table)}")
        quality = _number("quality", table["quality"])
        if not quality.is_integer():
            raise ValueError(f"quality must be a whole number, got {quality}")
        return cls(
            _one_of(Geometry, "geometry", table["geometry"]),
            _number("padding", table["padding"]),
            _one_of(FileKind, "file", table["file"]),
            int(quality),
        )


def _one_of(kinds: type[_Kind], name: str, value: object) -> _Kind:
    try:
        return kinds(str(value))
    except ValueError:
        raise ValueError(f"{name} must be one of {', '.join(kinds)}, got {value!r}") from None


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, got {value!r}")
    return float(value)
