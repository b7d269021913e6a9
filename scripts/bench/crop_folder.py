"""A folder of crops from a detection file: all of our work against Pillow's decode, crop, encode.

python scripts/bench/crop_folder.py --images 24 --rounds 3
python scripts/bench/crop_folder.py --size 1632 1224

Pictures a second are those of two cores that do nothing else, from the CPU time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from crop_speed import BOX, prepare
from PIL import Image

from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.crops import of_detections
from database_tools.crops.crop_folder import FolderConfig
from database_tools.crops.source import Source
from database_tools.crops.wanted import Rule


def detections(folder: Path, count: int) -> Path:
    """Write a detection file with one box for each picture."""
    box = {"category": "1", "conf": 0.9, "bbox": BOX}
    table = {
        "info": {"format_version": "1.6", "detector": "md_v4.1.0.pb"},
        "detection_categories": {"1": "animal"},
        "images": [{"file": f"{i:04d}.jpg", "detections": [box]} for i in range(count)],
    }
    path = folder / "detections.json"
    path.write_text(json.dumps(table))
    return path


def plain(path: Path, folder: Path) -> None:
    """As anybody would write it."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    width, height = picture.size
    x, y, w, h = (int(n * size) for n, size in zip(BOX, (width, height) * 2, strict=True))
    side = max(w, h)
    left, top = x - (side - w) // 2, y - (side - h) // 2
    picture.crop((left, top, left + side, top + side)).save(folder / path.name)


def main() -> None:
    """Print CPU milliseconds a picture, and the ratio, in one process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=2, default=(2048, 1536))
    args = parser.parse_args()
    times: dict[str, list[float]] = {"plain": [], "ours": [], "all there": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = folder / "pictures"
        pictures.mkdir()
        paths, file = prepare(pictures, args.images, args.size), detections(folder, args.images)
        recipe, rule = CropRecipe(Geometry.SQUARE), Rule(0.5)
        for i in range(args.rounds + 1):  # the first one warms up
            target = folder / f"plain{i}"
            target.mkdir()
            begun = [time.process_time()]
            for path in paths:
                plain(path, target)
            begun.append(time.process_time())
            config = FolderConfig(Source(pictures), folder / f"ours{i}", recipe, rule, workers=1)
            for _ in range(2):
                of_detections.cut(file, None, config)
                begun.append(time.process_time())
            for kind, start, end in zip(times, begun, begun[1:], strict=False):
                times[kind].append((end - start) / args.images * 1000)
    medians = {kind: statistics.median(all_[1:]) for kind, all_ in times.items()}
    for kind, median in medians.items():
        ratio, rate = median / medians["plain"], 2000 / median
        print(f"{kind:10} {median:7.2f} ms  {ratio:.2f}  {rate:5.0f} a second")


if __name__ == "__main__":
    main()
