"""What building a crop dataset costs: against plain Pillow, and against the original's way.

    python scripts/bench/crop_datasets.py

Every program runs on a few and on many pictures; the difference is the cost of a picture, without
the start of Python and its imports.  Rounds alternate, so that a busy machine is unfair to nobody.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from database_tools.core import crop_windows
from database_tools.formats import example, tfrecord

SIZE = (2048, 1536)
FEW = 16
PADDING = 1.3 * 1.3
ORIGINAL = "original"
PLAIN = "plain"


@dataclass(frozen=True)
class World:
    """Pictures with their annotations and a detection file, which gives each so many boxes."""

    folder: Path

    @property
    def annotations(self) -> Path:
        """COCO Camera Traps JSON."""
        return self.folder / "cct.json"

    @property
    def detections(self) -> Path:
        """MegaDetector's JSON."""
        return self.folder / "md.json"

    def jobs(self) -> Iterator[tuple[Path, np.ndarray]]:
        """Yield each picture and its windows in pixels."""
        for image in json.loads(self.detections.read_text())["images"]:
            boxes = np.array([found["bbox"] for found in image["detections"]])
            yield self.folder / image["file"], crop_windows.around(boxes, *SIZE, PADDING)


def make_world(folder: Path, count: int, boxes: int, pictures: list[bytes]) -> World:
    """Write ``count`` pictures, taken in turn from ``pictures``."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    images, annotations, found = [], [], []
    for i in range(count):
        name = f"{i:05}.jpg"
        (folder / name).write_bytes(pictures[i % len(pictures)])
        images.append({"id": f"{i:05}", "file_name": name, "location": i % 10})
        annotations.append({"id": i, "image_id": f"{i:05}", "category_id": 1})
        sides = draw.uniform(0.08, 0.16, boxes)  # squares of 160 to 330 pixels, then padded
        bbox = [[*draw.uniform(0.2, 0.6, 2), s, s * SIZE[0] / SIZE[1]] for s in sides]
        boxes_found = [{"category": "1", "conf": 0.9, "bbox": box} for box in bbox]
        found.append({"file": name, "detections": boxes_found})
    world = World(folder)
    categories = [{"id": 1, "name": "elk"}]
    world.annotations.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    head = {"info": {"format_version": "1.0"}, "detection_categories": {"1": "animal"}}
    world.detections.write_text(json.dumps({**head, "images": found}))
    return world


def photographs(count: int = 8) -> list[bytes]:
    """Make JPEGs of 3 megapixels and about 0.7 MB, as camera traps write them."""
    draw = np.random.default_rng(0)
    made = []
    for _ in range(count):
        coarse = draw.normal(120, 40, (96, 128, 3)).clip(0, 255).astype(np.uint8)
        picture = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC))
        grain = draw.normal(0, 5, picture.shape)
        content = io.BytesIO()
        Image.fromarray((picture + grain).clip(0, 255).astype(np.uint8)).save(
            content, "JPEG", quality=82
        )
        made.append(content.getvalue())
    return made


def plain(world: World, out: Path) -> None:
    """Decode each picture once, cut its crops, write them: what Pillow alone costs."""
    for path, windows in world.jobs():
        with Image.open(path) as picture:
            rgb = picture.convert("RGB")
        for i, window in enumerate(windows.tolist()):
            rgb.crop(tuple(window)).save(out / f"{path.stem}_{i}.jpg")


def original(world: World, out: Path) -> None:
    """Make records as the original does without a detector.

    For each box: open and decode the whole picture, cut in numpy, save the crop twice, read it
    back, decode it for its size, delete it.  Its TensorFlow sessions are left out, in its favour.
    """
    with tfrecord.Writer(out / "train-00000") as writer:
        for path, windows in world.jobs():
            for left, top, right, bottom in windows.tolist():
                with Image.open(path) as picture:
                    crop = np.array(picture)[top:bottom, left:right]
                temporary = out / "crop.jpg"
                for _ in range(2):
                    Image.fromarray(crop).save(temporary)
                encoded = temporary.read_bytes()
                height, width = np.array(Image.open(io.BytesIO(encoded))).shape[:2]
                temporary.unlink()
                features = {
                    "image/encoded": [encoded],
                    "image/height": np.array([height]),
                    "image/width": np.array([width]),
                    "image/key/sha256": [hashlib.sha256(encoded).hexdigest().encode()],
                }
                writer.write(example.encode(features))


def ours(world: World, out: Path, workers: int, kind: str) -> list[str]:
    """Return the words of our command for a detection file."""
    words = ["-m", "database_tools.make_classification_dataset", str(world.annotations)]
    words += [str(world.folder), "-", "--use_detection_file", str(world.detections), kind, str(out)]
    return [*words, "--multiple_detections", "all", "--workers", str(workers)]


def cost(words: list[str], out: Path) -> tuple[float, float]:
    """Run Python with these words; return wall and CPU seconds, children included."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"failed: {' '.join(words)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


Program = Callable[[World, Path], list[str]]


def per_picture(
    programs: dict[str, tuple[Program, str]], worlds: dict[str, tuple[World, World]], rounds: int
) -> dict[str, tuple[float, float]]:
    """Return milliseconds of wall and CPU time for each picture, the median of the rounds.

    Args:
        programs: name to the words of the program and the name of its worlds.
        worlds: name to the same world of FEW and of many pictures.
        rounds: how often all are measured.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        for _ in range(rounds):
            for name, (words, kind) in programs.items():
                few, many = (cost(words(world, out), out) for world in worlds[kind])
                count = sum(1 for _ in worlds[kind][1].jobs()) - FEW
                taken[name].append(
                    tuple(1000 * (m - f) / count for f, m in zip(few, many, strict=True))
                )
    return {
        name: (statistics.median(w for w, _ in rows), statistics.median(c for _, c in rows))
        for name, rows in taken.items()
    }


def main() -> None:
    """Measure and print the ratios that are promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--run", nargs=3, help="one program on one world, for the measurement")
    args = parser.parse_args()
    if args.run:
        name, folder, out = args.run
        {PLAIN: plain, ORIGINAL: original}[name](World(Path(folder)), Path(out))
        return
    with tempfile.TemporaryDirectory() as folder:
        report(Path(folder), args.pictures, args.rounds)


def report(folder: Path, count: int, rounds: int) -> None:
    """Print the table and the ratios."""
    pictures = photographs()
    worlds = {
        f"{boxes} box": tuple(
            make_world(folder / f"{boxes}_{n}", n, boxes, pictures) for n in (FEW, count + FEW)
        )
        for boxes in (1, 3)
    }
    crops, records = "--coco_style_output", "--tfrecords_output"

    def reenact(name: str) -> Program:
        return lambda world, out: [__file__, "--run", name, str(world.folder), str(out)]

    def ours_with(workers: int, kind: str) -> Program:
        return lambda world, out: ours(world, out, workers, kind)

    programs: dict[str, tuple[Program, str]] = {}
    for boxes in worlds:
        programs |= {
            f"plain Pillow, {boxes}": (reenact(PLAIN), boxes),
            f"crops, 1 worker, {boxes}": (ours_with(1, crops), boxes),
            f"crops, 2 workers, {boxes}": (ours_with(2, crops), boxes),
            f"original's records, {boxes}": (reenact(ORIGINAL), boxes),
            f"records, 1 worker, {boxes}": (ours_with(1, records), boxes),
            f"records, 2 workers, {boxes}": (ours_with(2, records), boxes),
        }
    taken = per_picture(programs, worlds, rounds)
    for name, (wall, cpu) in taken.items():
        print(f"{name:<32} {wall:6.1f} ms wall, {cpu:6.1f} ms CPU a picture")
    verdict(taken, list(worlds))


def verdict(taken: dict[str, tuple[float, float]], kinds: list[str]) -> None:
    """Print the ratios."""
    for boxes in kinds:
        wall, cpu = (
            {name: values[i] for name, values in taken.items() if name.endswith(boxes)}
            for i in (0, 1)
        )
        plain_cpu, plain_wall = cpu[f"plain Pillow, {boxes}"], wall[f"plain Pillow, {boxes}"]
        ours_cpu, ours_wall = cpu[f"crops, 1 worker, {boxes}"], wall[f"crops, 2 workers, {boxes}"]
        print(f"{boxes}: crops, CPU over Pillow's {ours_cpu / plain_cpu:.2f} (promised <= 1.1)")
        gain = plain_wall / ours_wall
        print(f"{boxes}: crops, 2 workers' throughput over Pillow's {gain:.2f} (promised >= 1.6)")
        for workers in ("1 worker", "2 workers"):
            gain = wall[f"original's records, {boxes}"] / wall[f"records, {workers}, {boxes}"]
            print(f"{boxes}: records, throughput of {workers} over the original's {gain:.2f}")
    three, one = (taken[f"crops, 1 worker, {n} box"][1] for n in (3, 1))
    print(f"crops, CPU of 3 boxes over 1 (promised < 1.4): {three / one:.2f}")


if __name__ == "__main__":
    main()
