"""What a detection pass costs besides the detector: memory, store, files; threads or processes.

python scripts/bench/detection_pass.py
python scripts/bench/detection_pass.py --detector demo_detector.pb --image_dir demo/images
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from unittest import mock

import numpy as np
from PIL import Image

from database_tools import detectors, imaging
from database_tools.core.detections import Detections
from database_tools.detections import batch, detection_files, passing, store
from database_tools.detections.batch_config import BatchConfig
from database_tools.detections.detection_files import Picture
from database_tools.detections.passing import Source
from database_tools.detections.store import File
from database_tools.detectors import batched, precomputed

T = TypeVar("T")

ROUNDS = 3


class Instant:
    """A detector that takes no time: three boxes in each picture."""

    name, categories, batch_size, fingerprint = "instant", None, detectors.BATCH_SIZE, "i"

    def check(self) -> None:
        """Nothing to check."""

    def detect(self, images: Sequence[detectors.Image]) -> list[Detections]:
        """Return the same boxes for each picture."""
        return [
            Detections.of_corners([[0.1, 0.2, 0.5, 0.7]] * 3, [0.9, 0.5, 0.1], "112")
            for _ in images
        ]


class Nowhere(Source):
    """Pictures of 4 x 4 pixels that need no disk."""

    def load(self, name: str) -> detectors.Image:
        """Return the same picture."""
        return np.zeros((4, 4, 3), np.uint8)

    def file(self, name: str) -> File:
        """Return the same file."""
        return File(9, 9)

    def content(self, name: str) -> tuple[int, int]:
        """Return the same digest."""
        return 9, 9


def bookkeeping(count: int) -> None:
    """Print what a pass over ``count`` pictures costs without decoding and detecting."""
    pictures = [Picture(f"image{i:07}", f"loc{i % 99:02}/image{i:07}.jpg") for i in range(count)]
    source, before = Nowhere(Path("/")), _peak()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [picture.file_name for picture in pictures]
        with store.open(folder, Instant.fingerprint) as kept:
            planned, work = _timed_result(lambda: passing.plan(names, source, kept, 8))
            passed = planned + _timed(lambda: sum(passing.run(work, Instant())))
            files = _timed(
                lambda: detection_files.write(
                    folder, lambda: zip(pictures, work, strict=True), "d", None
                )
            )
        after_pass = _peak()
        with store.open(folder, Instant.fingerprint) as kept:
            again, work = _timed_result(lambda: passing.plan(names, source, kept, 8))
            again += _timed(lambda: sum(passing.run(work, Instant())))
        pickled = _timed(lambda: precomputed.read(folder / detection_files.PICKLE))
        after_pickle = _peak()
        as_json = _timed(lambda: precomputed.read(folder / detection_files.JSON))
    micro = 1e6 / count
    print(
        f"{count:,} pictures: store {passed * micro:.0f} us, a second pass {again * micro:.0f} us, "
        f"both files {files * micro:.0f} us, "
        f"reading pickle {pickled * micro:.0f} us, JSON {as_json * micro:.0f} us a picture; "
        f"memory of pass and files {(after_pass - before) / count:.0f} B, "
        f"of reading the pickle {(after_pickle - after_pass) / count:.0f} B a picture"
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _timed_result(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def decoding(paths: list[Path], workers: int) -> None:
    """Print how fast threads and processes bring decoded pictures to the detector's process."""
    rates: dict[str, list[float]] = {"threads": [], "processes": []}
    pools: list[tuple[str, Executor]] = [
        ("threads", ThreadPoolExecutor(workers)),
        ("processes", ProcessPoolExecutor(workers)),
    ]
    for _, pool in pools:
        list(pool.map(imaging.load, paths[:workers]))
    for _ in range(ROUNDS):
        for name, pool in pools:
            seconds = _timed(lambda pool=pool: [None for _ in pool.map(imaging.load, paths)])
            rates[name].append(len(paths) / seconds)
    for _, pool in pools:
        pool.shutdown()
    threads, processes = (float(np.median(rates[name])) for name in ("threads", "processes"))
    print(
        f"decoding with {workers} workers: threads {threads:.1f}/s, processes {processes:.1f}/s, "
        f"ratio {threads / processes:.2f}"
    )


def batching(detector: Path, paths: list[Path]) -> None:
    """Print how fast a detector works one at a time and in batches."""
    images = [imaging.load(path) for path in paths]
    seconds: dict[int, list[float]] = {1: [], detectors.BATCH_SIZE: []}
    opened = {size: detectors.open(detector, size) for size in seconds}
    for one in opened.values():
        one.detect(images)  # the first run of each size of picture is slow
    for _ in range(ROUNDS):
        for size, one in opened.items():
            seconds[size].append(_timed(lambda one=one: one.detect(images)))
    single, batch = (len(images) / float(np.median(values)) for values in seconds.values())
    print(f"detecting one at a time {single:.1f}/s, in batches {batch:.1f}/s: {batch / single:.2f}")


def overhead(detector: Path, paths: list[Path]) -> None:
    """Print what a whole batch takes besides decoding and the network itself, in CPU time."""
    from database_tools.detectors.batched import Batched

    one = detectors.open(detector, detectors.BATCH_SIZE)
    assert isinstance(one, Batched)
    images = [imaging.load(path) for path in paths]
    groups = batched.of_equal_size([image.shape for image in images], one.batch_size)
    together = [[images[i] for i in group] for group in groups]

    def network() -> None:
        for members in together:
            one.run(members)

    network()  # the first run of each size of picture is slow
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        listed = Path(name) / "list.json"
        listed.write_text(json.dumps([str(path.resolve()) for path in paths]))
        for i in range(2 * ROUNDS + 1):
            output, kept = Path(name) / f"{i}.json", Path(name) / f"store{i}"
            config = BatchConfig(detector, listed, output, detection_store=kept)
            parts = [_cpu(lambda: [imaging.load(path) for path in paths]), _cpu(network)]
            with mock.patch.object(detectors, "open", return_value=one):
                whole = _cpu(lambda config=config: batch.run(config, iter))
            rounds.append((*parts, whole - sum(parts), (whole - sum(parts)) / sum(parts)))
    decode, net, rest, share = np.median(rounds, axis=0)
    per = 1000 / len(paths)
    print(
        f"a whole batch: decoding {decode * per:.2f}, network {net * per:.2f}, "
        f"the rest {rest * per:.2f} CPU ms a picture: {share:.1%} more"
    )


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _noise(folder: Path, count: int = 24) -> list[Path]:
    """Make pictures of 3 megapixels that are as hard to decode as photographs."""
    noise = np.random.default_rng(0).normal(120, 30, (96, 128, 3)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(noise).resize((2048, 1536), Image.Resampling.BICUBIC)
    paths = [folder / f"{i}.jpg" for i in range(count)]
    for path in paths:
        picture.save(path, quality=88)
    return paths


def main() -> None:
    """Measure everything that the flags allow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector", type=Path, help="a detector, for its gain from batches")
    parser.add_argument("--image_dir", type=Path, help="its pictures")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--bookkeeping", type=int, help="measure one number of pictures only")
    args = parser.parse_args()
    if args.bookkeeping:
        bookkeeping(args.bookkeeping)
        return
    for count in (10_000, 100_000):  # each in a process of its own, for its peak memory
        subprocess.run([sys.executable, __file__, "--bookkeeping", str(count)], check=True)
    with tempfile.TemporaryDirectory() as folder:
        decoding(_noise(Path(folder)), args.workers)
    if args.detector:
        paths = [p for p in sorted(args.image_dir.rglob("*")) if p.suffix.lower() == ".jpg"]
        readable = [p for p in paths[:80] if p.stat().st_size > 5000]
        batching(args.detector, readable[:48])
        overhead(args.detector, readable)


if __name__ == "__main__":
    main()
