"""The plan of a data set: names, labels and orientations of its pictures, and their files."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from database_tools.demo import banner, world
from database_tools.demo.species import NAMES
from database_tools.demo.world import Sequence, World

_FILES = 0xF11E
_ROTATED = 0.06  # share of pictures whose file lies on its side or head
_MAKE, _MODEL, _ORIENTATION, _EXIF, _TIME = 0x010F, 0x0110, 0x0112, 0x8769, 0x9003
# What must be done to the displayed picture, so that a viewer that obeys the tag turns it back.
_STORED = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True)
class Shot:
    """One picture, by its number in its sequence, from 0."""

    event: Sequence
    frame: int

    @property
    def id(self) -> str:
        """Its id, e.g. ``"loc003_seq0012_0"``."""
        return f"{sequence_id(self.event)}_{self.frame}"

    @property
    def file_name(self) -> str:
        """Its path in the folder of pictures."""
        return f"{location_name(self.event.location)}/{self.id}.jpg"

    @property
    def time(self) -> datetime.datetime:
        """When it was taken."""
        return self.event.time + datetime.timedelta(seconds=self.frame)

    def entry(self, world: World) -> dict[str, object]:
        """The picture as COCO Camera Traps lists it; the size is that of the displayed picture."""
        return {
            "id": self.id,
            "file_name": self.file_name,
            "width": world.width,
            "height": world.height,
            "datetime": f"{self.time:%Y-%m-%d %H:%M:%S}",
            "location": location_name(self.event.location),
            "seq_id": sequence_id(self.event),
            "seq_num_frames": self.event.frames,
            "frame_num": self.frame,
        }

    def encode(self, world: World, pixels: npt.NDArray[np.uint8]) -> bytes:
        """The JPEG file: some lie on their side, with an EXIF orientation that says so."""
        rng = np.random.default_rng(
            [_FILES, world.seed, self.event.location, self.event.number, self.frame]
        )
        quality, picture, exif = int(rng.integers(78, 93)), Image.fromarray(pixels), Image.Exif()
        exif[_MAKE], exif[_MODEL] = banner.camera(self.event.location)
        exif.get_ifd(_EXIF)[_TIME] = f"{self.time:%Y:%m:%d %H:%M:%S}"
        if rng.random() < _ROTATED:
            orientation = int(rng.choice([3, 6, 8]))
            exif[_ORIENTATION] = orientation
            picture = picture.transpose(_STORED[orientation])
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=quality, exif=exif)
        return content.getvalue()


def location_name(location: int) -> str:
    """The name of a place, e.g. ``"loc003"``."""
    return f"loc{location:03d}"


def sequence_id(event: Sequence) -> str:
    """The id of a sequence, e.g. ``"loc003_seq0012"``."""
    return f"{location_name(event.location)}_seq{event.number:04d}"


def plan(world_: World, locations: range, pictures: int) -> Iterator[Shot]:
    """The pictures of a data set, spread evenly over its locations."""
    for event in world.sequences(world_, locations, pictures):
        for frame in range(event.frames):
            yield Shot(event, frame)


CORRUPT = ("zero_byte", "truncated", "text", "header_only")


@dataclass(frozen=True)
class CorruptShot:
    """A file that is no picture, of a kind in ``CORRUPT``, and the shot that it would have been."""

    kind: str
    shot: Shot

    @property
    def id(self) -> str:
        """Its id, e.g. ``"loc000_corrupt_truncated"``."""
        return f"{location_name(self.shot.event.location)}_corrupt_{self.kind}"

    @property
    def file_name(self) -> str:
        """Its path in the folder of pictures."""
        return f"{location_name(self.shot.event.location)}/{self.id}.jpg"

    def entry(self, world: World, *, marked: bool) -> dict[str, object]:
        """The file as COCO Camera Traps lists it, ``"corrupt": true`` if it is to be marked."""
        whole = self.shot.entry(world) | {"seq_num_frames": 1, "frame_num": 0}
        names: dict[str, object] = {"id": self.id, "file_name": self.file_name, "seq_id": self.id}
        return whole | names | ({"corrupt": True} if marked else {})

    def encode(self, jpeg: bytes) -> bytes:
        """What is in the file; ``jpeg`` is the picture that it would have been."""
        return {
            "zero_byte": b"",
            "truncated": jpeg[: len(jpeg) // 2],
            "text": b"This is not a picture.\n",
            "header_only": jpeg[:20],
        }[self.kind]


def corrupt(world_: World, locations: range) -> Iterator[CorruptShot]:
    """One broken file of each kind, at the first locations, labelled with what is common there."""
    for i, kind in enumerate(CORRUPT):
        location = locations[i % len(locations)]
        mix, _ = world.habits(world_, location)
        common = NAMES[int(mix.argmax())]
        numbers = (n for n in range(10_000) if common in world.sequence(world_, location, n).labels)
        yield CorruptShot(kind, Shot(world.sequence(world_, location, next(numbers)), 0))
