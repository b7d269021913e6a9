"""The whole build without a detector, records only, against the original's way of working.

    python scripts/bench/build_speed.py
    python scripts/bench/build_speed.py --none

The original, re-enacted: for each box the picture is decoded again and the crop is written, twice
when only records are asked for; the crop's file is read back, decoded to learn its size, put into
a record, and removed.  All in one process.  TensorFlow's sessions, in which it decoded, are
Pillow here, and the same serialiser makes the records: the original was slower than this.

``--none``: 10,000 listed pictures of which none has a box, beside a loop that is always the same.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crop_speed import BOX, PADDING, WORKERS, build, cpu_seconds, more_names, prepare, words
from PIL import Image

from database_tools import make_classification_dataset
from database_tools.datasets import crop_example
from database_tools.datasets.crop_example import About
from database_tools.formats import tfrecord


def original(path: Path, boxes: int, folder: Path, writer: tfrecord.Writer) -> None:
    """One picture, as the original's code did it."""
    for i in range(boxes):
        with Image.open(path) as image:
            picture = image.convert("RGB")
        width, height = picture.size
        x, y, w, h = (BOX[0] + 0.1 * i) * width, BOX[1] * height, BOX[2] * width, BOX[3] * height
        side = PADDING * max(w, h)
        left, top = x - (side - w) / 2, y - (side - h) / 2
        crop = picture.crop((int(left), int(top), int(left + side), int(top + side)))
        temporary = folder / "crop.jpg"
        crop.save(temporary)
        crop.save(temporary)
        jpeg = temporary.read_bytes()
        with Image.open(io.BytesIO(jpeg)) as again:
            again.load()
        about = About(i, path.name, path.stem, 0, "animal", "a", "", 0.9)
        writer.write(crop_example.encode(jpeg, *again.size, about))
        temporary.unlink()


def loop() -> float:
    """CPU seconds of three million steps, which tell how busy the machine is."""
    start, total, last = time.process_time(), 0, {}
    for i in range(3_000_000):
        total += i * i % 7
        last[i & 1023] = total
    return time.process_time() - start


def nothing_to_crop(count: int = 10_000, rounds: int = 9) -> None:
    """Print CPU seconds of the command, start of Python included, and their ratio to the loop's."""
    command = [sys.executable, make_classification_dataset.__file__]
    times, ratios = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command += words(folder, [folder / f"{i:07d}.jpg" for i in range(count)], boxes=0)
        for i in range(rounds):
            out = ["--coco_style_output", str(folder / f"c{i}")]
            out += ["--tfrecords_output", str(folder / f"t{i}")]
            before, start = loop(), cpu_seconds()
            ended = subprocess.run([*command, *out], stderr=subprocess.DEVNULL, check=False)
            times.append(cpu_seconds() - start)
            assert ended.returncode == 2
            ratios.append(times[-1] / ((before + loop()) / 2))
    print(f"{count:,} pictures, no crop: {min(times):.2f} to {max(times):.2f} CPU s (target 1)")
    print(f"ratio to the loop: median {statistics.median(ratios):.2f}, least {min(ratios):.2f}")


def main() -> None:
    """Print pictures per second of both, for pictures with one, two and three boxes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--none", action="store_true")
    args = parser.parse_args()
    if args.none:
        nothing_to_crop()
        return
    count = args.images
    print(f"{WORKERS} workers, {count} pictures of 2048 x 1536")
    print("boxes   original/s   ours/s   throughput   CPU")
    for boxes in (1, 2, 3):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            paths = more_names(folder, prepare(folder, 40), -(-count // 40))[:count]
            start, cpu = time.monotonic(), cpu_seconds()
            with tfrecord.Writer(folder / "original") as writer:
                for path in paths:
                    original(path, boxes, folder, writer)
            theirs, their_cpu = time.monotonic() - start, cpu_seconds() - cpu
            records = str(folder / "records")
            ours, our_cpu = build([*words(folder, paths, boxes), "--tfrecords_output", records])
            rates = f"{boxes:>5}{count / theirs:>13.1f}{count / ours:>9.1f}"
            print(f"{rates}{theirs / ours:>11.2f}x{their_cpu / our_cpu:>8.2f}x")


if __name__ == "__main__":
    main()
