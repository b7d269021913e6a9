"""Peak memory of a build by the number of listed images: what one more image costs.

python scripts/bench/build_memory.py --counts 10000 100000
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

LINKS = 10_000
"""Names for one file; file systems have a limit."""


def prepare(folder: Path, count: int) -> list[str]:
    """Write ``count`` small pictures, annotations and detections; return the build's words."""
    images = folder / "images"
    names = [f"site_{i % 300:03d}/camera/IMG_{i:07d}.JPG" for i in range(count)]
    for site in range(300):
        (images / f"site_{site:03d}" / "camera").mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        if i % LINKS == 0:
            source = folder / f"source{i}.jpg"
            pixels = np.random.default_rng(i).integers(0, 255, (48, 64, 3), np.uint8)
            Image.fromarray(pixels).save(source)
        (images / name).hardlink_to(source)
    table = {
        "categories": [{"id": i, "name": f"species {i}"} for i in range(20)],
        "images": [
            {
                "id": f"{i:032x}",
                "file_name": name,
                "location": f"site_{i % 300:03d}",
                "seq_id": f"sequence-{i // 3:08d}",
                "datetime": "2021-05-01 03:44:54",
                "width": 64,
                "height": 48,
            }
            for i, name in enumerate(names)
        ],
        "annotations": [
            {"id": f"a{i}", "image_id": f"{i:032x}", "category_id": i % 20} for i in range(count)
        ],
    }
    (folder / "cct.json").write_text(json.dumps(table), encoding="utf-8")
    box = {"category": "1", "conf": 0.9, "bbox": [0.25, 0.25, 0.5, 0.5]}
    found = {
        "info": {"format_version": "1.5"},
        "detection_categories": {"1": "animal"},
        "images": [{"file": name, "detections": [box]} for name in names],
    }
    (folder / "md.json").write_text(json.dumps(found), encoding="utf-8")
    words = [folder / "cct.json", images, "-", "--use_detection_file", folder / "md.json"]
    return [str(word) for word in [*words, "--workers", 1, "--tfrecords_output", folder / "t"]]


def peak(program: str, *words: str) -> float:
    """Run a program in a process of its own and return its peak memory in bytes."""
    # Not ru_maxrss, which a process inherits from the one that started it.
    program += "\nprint(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    result = subprocess.run(
        [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, check=True, text=True
    )
    return int(result.stdout.split()[-1]) * 1024


BUILD = """
import re, sys
from database_tools import make_classification_dataset
make_classification_dataset.main(sys.argv[1:])"""
INDEX = """
import re, sys
from pathlib import Path
from database_tools.datasets import classification_dataset
from database_tools.formats import coco_camera_traps
table = coco_camera_traps.read(Path(sys.argv[1]))"""


def main() -> None:
    """Print peaks for each number of images, and the slope between the first and last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 100_000])
    counts = parser.parse_args().counts
    rows: dict[str, list[float]] = {"annotation index": [], "build": [], "build again": []}
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            words = prepare(Path(name), count)
            rows["annotation index"].append(peak(INDEX, words[0]))
            rows["build"].append(peak(BUILD, *words))
            rows["build again"].append(peak(BUILD, *words))
    print(f"{'peak MB at images':<20}", *(f"{count:>10,}" for count in counts), "  bytes/image")
    for what, peaks in rows.items():
        slope = (peaks[-1] - peaks[0]) / (counts[-1] - counts[0])
        print(f"{what:<20}", *(f"{p / 1e6:>10.1f}" for p in peaks), f"{slope:>10.0f}")


if __name__ == "__main__":
    main()
