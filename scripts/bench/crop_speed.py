"""Cutting crops: our work against Pillow's plain decode, crop, encode; one process and several.

python scripts/bench/crop_speed.py
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from database_tools import make_classification_dataset
from database_tools.core.crop_recipe import CropRecipe
from database_tools.crops import cutting
from database_tools.crops.cutting import Crop, Job

PADDING = 1.3 * 1.3
WORKERS = os.cpu_count() or 1
BOX = (0.4, 0.4, 0.12, 0.12)


def photograph(seed: int, size: tuple[int, int] = (2048, 1536)) -> Image.Image:
    """A picture with detail at every scale, as large as a camera trap's when encoded."""
    rng = np.random.default_rng(seed)
    width, height = size
    pixels = np.zeros((height, width, 3))
    for scale, weight in ((256, 60), (64, 40), (16, 25), (4, 20), (1, 9)):
        noise = rng.normal(0, weight, (height // scale + 1, width // scale + 1, 3))
        pixels += noise.repeat(scale, 0).repeat(scale, 1)[:height, :width]
    return Image.fromarray(np.clip(pixels + 120, 0, 255).astype(np.uint8))


def prepare(folder: Path, count: int, size: tuple[int, int] = (2048, 1536)) -> list[Path]:
    """Write the pictures."""
    paths = []
    for i in range(count):
        path = folder / f"{i:04d}.jpg"
        if i < 12:
            photograph(i, size).save(path, quality=90)
        else:
            path.hardlink_to(folder / f"{i % 12:04d}.jpg")
        paths.append(path)
    return paths


def plain(path: Path, folder: Path) -> None:
    """Pillow's decode, crop, encode, as anybody would write it."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    width, height = picture.size
    x, y, w, h = BOX[0] * width, BOX[1] * height, BOX[2] * width, BOX[3] * height
    side = PADDING * max(w, h)
    left, top = x - (side - w) / 2, y - (side - h) / 2
    crop = picture.crop((int(left), int(top), int(left + side), int(top + side)))
    crop.save(folder / path.name)


def ours(path: Path, folder: Path, boxes: int = 1) -> None:
    """The work of a build on one picture."""
    rows = np.array([[BOX[0] + 0.1 * i, *BOX[1:]] for i in range(boxes)])
    cut = cutting.cut(Job(str(path), rows, CropRecipe.of_2019(PADDING), 10**9))
    for i, crop in enumerate(cut.crops):
        assert isinstance(crop, Crop)
        (folder / f"{i}_{path.name}").write_bytes(crop.file)


def seconds(work: Callable[[Path], None], paths: list[Path]) -> float:
    """CPU seconds for all pictures."""
    start = time.process_time()
    for path in paths:
        work(path)
    return time.process_time() - start


def words(folder: Path, paths: list[Path], boxes: int = 1) -> list[str]:
    """Write annotations and detections of pictures in ``folder``; return the command's words."""
    table = {
        "categories": [{"id": 0, "name": "animal"}],
        "images": [{"id": p.stem, "file_name": p.name, "location": "a"} for p in paths],
        "annotations": [{"id": p.stem, "image_id": p.stem, "category_id": 0} for p in paths],
    }
    (folder / "cct.json").write_text(json.dumps(table), encoding="utf-8")
    found = [
        {"category": "1", "conf": 0.9, "bbox": [BOX[0] + 0.1 * i, *BOX[1:]]} for i in range(boxes)
    ]
    detections = {
        "info": {"format_version": "1.5"},
        "detection_categories": {"1": "animal"},
        "images": [{"file": p.name, "detections": found} for p in paths],
    }
    (folder / "md.json").write_text(json.dumps(detections), encoding="utf-8")
    inputs = [folder / "cct.json", folder, "-", "--use_detection_file", folder / "md.json"]
    flags = ["--multiple_detections", "all", "--test_fraction", 0, "--workers", WORKERS]
    return [str(word) for word in [*inputs, *flags]]


def build(words: list[str]) -> tuple[float, float]:
    """Run the command; return wall and CPU seconds of it and its workers."""
    start, cpu = time.monotonic(), cpu_seconds()
    assert make_classification_dataset.main(words) == 0
    return time.monotonic() - start, cpu_seconds() - cpu


def cpu_seconds() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main() -> None:
    """Print the medians of interleaved rounds and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "crops"
        out.mkdir()
        paths = prepare(folder, args.images)
        works: dict[str, Callable[[Path], None]] = {
            "plain": lambda path: plain(path, out),
            "ours, 1 box": lambda path: ours(path, out),
            "ours, 3 boxes": lambda path: ours(path, out, 3),
        }
        times: dict[str, list[float]] = {work: [] for work in works}
        for _ in range(args.rounds):
            for what, work in works.items():
                times[what].append(seconds(work, paths) / len(paths) * 1000)
        cost = {what: statistics.median(values) for what, values in times.items()}
        for what, milliseconds in cost.items():
            print(f"{what:<16}{milliseconds:8.2f} CPU ms/image")
        print(f"ours / plain: {cost['ours, 1 box'] / cost['plain']:.3f} (target <= 1.1)")
        print(f"3 boxes / 1 box: {cost['ours, 3 boxes'] / cost['ours, 1 box']:.3f} (target < 1.4)")
        many = more_names(folder, paths, 10)
        start, cpu = time.monotonic(), cpu_seconds()
        for path in many:
            plain(path, out)
        alone, alone_cpu = time.monotonic() - start, cpu_seconds() - cpu
        wall, both = build([*words(folder, many), "--coco_style_output", str(folder / "built")])
        print(f"plain, one process: {len(many) / alone:.1f} images/s")
        print(f"the command, {WORKERS} workers: {len(many) / wall:.1f} images/s, all included")
        print(f"throughput / plain: {alone / wall:.2f} (target >= 1.6 on 2 quiet cores)")
        print(f"CPU of the whole command / plain: {both / alone_cpu:.2f}")


def more_names(folder: Path, paths: list[Path], times: int) -> list[Path]:
    """Give the pictures more names."""
    many = []
    for i in range(times):
        for path in paths:
            link = folder / f"copy{i}_{path.name}"
            link.hardlink_to(path)
            many.append(link)
    return many


if __name__ == "__main__":
    main()
