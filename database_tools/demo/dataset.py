"""A data set of the demo world on disk.

    OUTPUT/images/loc000/loc000_seq0000_0.jpg   pictures
    OUTPUT/image_level.json                     COCO Camera Traps: what an expert noted
    OUTPUT/boxes.json                           the same pictures: exact boxes
    OUTPUT/demo_dataset.json                    parameters and files, to run again safely

The expert looked at sequences: every picture of a sequence has its label, also one that the
animal has left already.  The boxes are true to the pixel.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.demo import manifest, scene
from database_tools.demo.scene import Box
from database_tools.demo.shots import CorruptShot, Shot, corrupt, plan
from database_tools.demo.species import NAMES
from database_tools.demo.world import World
from database_tools.durable import files

GENERATOR = "2"  # another number, other pictures from the same parameters
CATEGORIES = ("empty", *NAMES)

Progress = Callable[[Iterable[list[Box]], int], Iterable[list[Box]]]


@dataclass(frozen=True)
class DemoDataset:
    """What a data set is made of; flags of the command, by the same names.

    ``images`` are pictures, corrupt files not counted.
    """

    images: int = 400
    locations: int = 12
    first_location: int = 0
    seed: int = 0
    size: tuple[int, int] = (640, 480)
    location_bias: float = 0.8
    class_imbalance: float = 1.0
    corrupt_files: str = "marked"

    def __post_init__(self) -> None:
        """Refuse what cannot be made; raise UserError."""
        limits = {
            "images": (1, math.inf, "at least 1"),
            "locations": (1, 1000, "1 to 1000"),
            "first_location": (0, math.inf, "at least 0"),
            "seed": (0, math.inf, "at least 0"),
            "location_bias": (0, 1, "in [0, 1]"),
            "class_imbalance": (0, 5, "in [0, 5]"),
        }
        for name, (least, most, words) in limits.items():
            if not least <= (value := getattr(self, name)) <= most:
                raise UserError(f"--{name} must be {words}, got {value}")
        if min(self.size) < 96 or max(self.size) > 4096:
            size = "x".join(map(str, self.size))
            raise UserError(f"--size must be 96x96 to 4096x4096, got {size}")
        if self.corrupt_files not in ("marked", "unmarked", "none"):
            raise UserError(f"--corrupt_files {self.corrupt_files!r} is unknown")

    @property
    def world(self) -> World:
        """The world that the pictures are taken in."""
        return World(self.seed, *self.size, self.location_bias, self.class_imbalance)

    @property
    def places(self) -> range:
        """Indices of its locations."""
        return range(self.first_location, self.first_location + self.locations)

    def shots(self) -> list[Shot]:
        """Its pictures, by location."""
        shots = plan(self.world, self.places, self.images)
        return sorted(shots, key=lambda shot: (shot.event.location, shot.event.number, shot.frame))

    def corrupt_shots(self) -> list[CorruptShot]:
        """Its files that are no pictures."""
        return [] if self.corrupt_files == "none" else list(corrupt(self.world, self.places))


def make(
    config: DemoDataset,
    output: Path,
    executor: Executor | None = None,
    progress: Progress = lambda boxes, _: boxes,
) -> None:
    """Write the data set, or what is missing of it, to ``output``.

    Args:
        config: what to make.
        output: its folder; files of another demo data set in it are replaced.
        executor: draws the pictures; None draws them here.  The files are the same for any.
        progress: is given the pictures' boxes as they come and how many will.

    Raises:
        UserError: if the folder holds files that this tool did not make.
    """
    parameters = {"generator": GENERATOR, **asdict(config), "size": list(config.size)}
    if manifest.finished(output, parameters):
        return
    shots, broken = config.shots(), config.corrupt_shots()
    names = [f"images/{shot.file_name}" for shot in shots]
    names += [f"images/{one.file_name}" for one in broken]
    manifest.begin(output, parameters, [*names, "image_level.json", "boxes.json"])
    drawn = _pictures(config.world, shots, output / "images", executor)
    boxes = list(progress(drawn, len(shots)))
    for one in broken:
        pixels, _ = scene.render(config.world, one.shot.event, one.shot.frame)
        content = one.encode(one.shot.encode(config.world, pixels))
        files.write_bytes(output / "images" / one.file_name, content)
    files.write_json(output / "boxes.json", _boxes_table(config, shots, boxes))
    files.write_json(output / "image_level.json", _image_level_table(config, shots, broken))
    manifest.finish(output)


def _pictures(
    world: World, shots: list[Shot], folder: Path, executor: Executor | None
) -> Iterator[list[Box]]:
    """Write the pictures in order and yield the boxes of each."""
    if executor is None:
        yield from (_take(world, folder, shot) for shot in shots)
        return
    # One place is one piece of work: its scenery is built once.
    by_place = itertools.groupby(shots, lambda shot: shot.event.location)
    places = [list(group) for _, group in by_place]
    for group in executor.map(functools.partial(_take_all, world, folder), places):
        yield from group


def _take_all(world: World, folder: Path, shots: list[Shot]) -> list[list[Box]]:
    return [_take(world, folder, shot) for shot in shots]


def _take(world: World, folder: Path, shot: Shot) -> list[Box]:
    """Write one picture unless it is there; return its boxes."""
    path = folder / shot.file_name
    if path.exists():  # whole, as files appear by renaming, and of this set, as the manifest says
        return scene.boxes(world, shot.event, shot.frame)
    pixels, boxes = scene.render(world, shot.event, shot.frame)
    files.write_bytes(path, shot.encode(world, pixels))
    return boxes


def _categories() -> list[dict[str, object]]:
    return [{"id": i, "name": name} for i, name in enumerate(CATEGORIES)]


def _image_level_table(
    config: DemoDataset, shots: list[Shot], broken: list[CorruptShot]
) -> dict[str, object]:
    """What an expert noted: one annotation for each species of the sequence."""
    marked = config.corrupt_files == "marked"
    labelled = [(shot.id, shot.event.labels) for shot in shots]
    labelled += [(one.id, one.shot.event.labels) for one in broken]
    return {
        "info": {"version": "1.0", "description": "Demo world, labels of sequences"},
        "categories": _categories(),
        "images": [shot.entry(config.world) for shot in shots]
        + [one.entry(config.world, marked=marked) for one in broken],
        "annotations": [
            {"id": f"{image}_{name}", "image_id": image, "category_id": CATEGORIES.index(name)}
            for image, names in labelled
            for name in names
        ],
    }


def _boxes_table(
    config: DemoDataset, shots: list[Shot], boxes: list[list[Box]]
) -> dict[str, object]:
    """What is to be seen: one annotation for each animal; an empty picture has none."""
    return {
        "info": {"version": "1.0", "description": "Demo world, exact boxes in displayed pixels"},
        "categories": _categories(),
        "images": [shot.entry(config.world) for shot in shots],
        "annotations": [
            {
                "id": f"{shot.id}_{i}",
                "image_id": shot.id,
                "category_id": CATEGORIES.index(box.species),
                "bbox": list(box.box),
                "area": box.box[2] * box.box[3],
                "iscrowd": 0,
                "visible": box.visible,
            }
            for shot, seen in zip(shots, boxes, strict=True)
            for i, box in enumerate(seen)
        ],
    }
