"""What every source of labels is read into: pictures, and what was said of them.

They come in any order; a picture and what is said of it share a key, which means nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

from database_tools.core.annotations import ImageId, Location

Box = tuple[str, float, float, float, float]
"""What it is of (a class, or a detector's category), x, y, width, height, relative."""


class Picture(NamedTuple):
    """A picture.

    Attributes:
        file: path below the dataset's folder, with forward slashes.
        location: as the source has it; None for none.
        sequence: id of its burst; None where nobody says.
        frame: its number in the burst; None where nobody says.
        datetime: in the source's words; None where nobody says.
        width: in pixels, for boxes in pixels; None where nobody says.
        height: in pixels; None where nobody says.
        no_boxes: somebody looked, and there is nothing to draw.
    """

    key: ImageId
    file: str
    location: Location | None = None
    sequence: str | None = None
    frame: int | None = None
    datetime: str | None = None
    width: int | None = None
    height: int | None = None
    no_boxes: bool = False


class Said(NamedTuple):
    """What somebody said of a picture; ``pixel_box`` is for boxes that only pixels are known of.

    ``label`` is a class of the dataset, None for a box alone.
    """

    key: ImageId
    label: str | None
    of_sequence: bool = False
    box: Box | None = None
    pixel_box: tuple[float, float, float, float] | None = None


Entry = Picture | Said
