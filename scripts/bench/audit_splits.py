"""How well and how fast audit_splits finds copies: crops of demo worlds, and 100,000 hashes.

python scripts/bench/audit_splits.py --worlds 20 --crops 100000
"""

from __future__ import annotations

import argparse
import io
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from database_tools import imaging
from database_tools.core.near_duplicates import Index
from database_tools.datasets import audit, looks
from database_tools.datasets.audit import AuditRequest
from database_tools.demo import classification, dataset
from database_tools.imaging import perceptual
from database_tools.imaging.perceptual import ALIKE, CLOSE, NEAR


def encoded(image: Image.Image, quality: int = 75) -> Image.Image:
    """Encode as JPEG and decode again."""
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return imaging.open_upright(content.getvalue())


def cut(image: Image.Image) -> Image.Image:
    """Cut 2.5 % off each side."""
    x, y = round(image.width * 0.025), round(image.height * 0.025)
    return image.crop((x, y, image.width - x, image.height - y))


def half(image: Image.Image) -> Image.Image:
    """Shrink to half the size."""
    size = max(1, image.width // 2), max(1, image.height // 2)
    return image.resize(size, Image.Resampling.LANCZOS)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "quality 50": lambda x: encoded(x, 50),
    "half the size": lambda x: encoded(half(x)),
    "cut by 2.5 %": lambda x: encoded(cut(x)),
    "mirrored": lambda x: encoded(ImageOps.mirror(x)),
    "20 % brighter": lambda x: encoded(ImageEnhance.Brightness(x).enhance(1.2)),
    "20 % darker": lambda x: encoded(ImageEnhance.Brightness(x).enhance(0.8)),
}


def worlds(number: int, images: int, folder: Path) -> list[Path]:
    """Make worlds that share no place, audit each, and return one crop of each sequence."""
    found, crops = 0, []
    for i in range(number):
        world = folder / str(i)
        config = dataset.DemoDataset(images, 9, 9 * i, i, corrupt_files="none")
        dataset.make(config, world)
        classification.make(world)
        request = AuditRequest(world, world / "crops", input_json=world / "image_level.json")
        found += len(audit.read(request, lambda items, _: items).leaks())
        crops += sorted((world / "crops").rglob("*_0.jpg___crop00.jpg"))
    print(f"leaks in {number} clean worlds of {images} pictures: {found}")
    return crops


def quality(crops: list[Path]) -> None:
    """Print the share of copies found, and of pairs of other places that are taken for copies."""
    pictures = [imaging.open_upright(path) for path in crops]
    hashes = np.stack([perceptual.hashes(picture) for picture in pictures])
    index = Index(hashes)
    for name, copy in COPIES.items():
        copies = [copy(picture) for picture in pictures]
        asked = np.stack([perceptual.hashes(one) for one in copies])
        near, _ = looks.nearest(index, asked, NEAR)
        close, _ = looks.nearest(index, asked, CLOSE)
        sure = [
            i >= 0 and perceptual.likeness(pictures[i], one) >= ALIKE
            for i, one in zip(near, copies, strict=True)
        ]
        alone = (close >= 0).mean()
        print(f"{name:<14} found by the audit {np.mean(sure):.3f}, by hashes alone {alone:.3f}")
    places = np.array([path.parent.name for path in crops])
    pairs, close, alike = 0, 0, 0
    for place in np.unique(places):
        mine, others = places == place, np.flatnonzero(places > place)
        pairs += int(mine.sum()) * len(others)
        for i in np.flatnonzero(mine):
            for most in (CLOSE, NEAR):
                found, _ = looks.nearest(Index(hashes[others]), hashes[i : i + 1], most)
                if found[0] >= 0 and most == CLOSE:
                    close += 1
                elif found[0] >= 0:
                    other = pictures[others[found[0]]]
                    alike += perceptual.likeness(pictures[i], other) >= ALIKE
    print(f"of {pairs:,} pairs of two places alike: {alike} by the audit, {close} by hashes alone")


def speed(crops: list[Path], number: int) -> None:
    """Print what hashing and searching cost; hashes are those of the crops, changed at random."""
    pictures = [imaging.open_upright(path) for path in crops[:500]]
    begin = time.process_time()
    hashes = np.stack([perceptual.hashes(picture) for picture in pictures])
    each = (time.process_time() - begin) / len(pictures)
    rng = np.random.default_rng(0)
    many = hashes[rng.integers(0, len(hashes), number)]
    for bit in range(8):  # each bit changes with probability 0.2
        many ^= (rng.random(many.shape, np.float32) < 0.2).astype(np.uint8) << np.uint8(bit)
    begin = time.process_time()
    ends = [int(number * 0.6), int(number * 0.8)]
    train, val, test = np.split(many, ends)
    looks.nearest(Index(train), val, NEAR)
    looks.nearest(Index(np.concatenate([train, val])), test, NEAR)
    search = time.process_time() - begin
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))
    print(f"{number:,} crops: hashing {number * each:.1f} CPU s, searching {search:.1f} CPU s")
    print(f"peak memory, this script's pictures included: {int(peak[1]) / 1000:.0f} MB")


def main() -> None:
    """Make the worlds and print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--images", type=int, default=60, help="of each world")
    parser.add_argument("--crops", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        crops = worlds(options.worlds, options.images, Path(folder))
        quality(crops)
        speed(crops, options.crops)


if __name__ == "__main__":
    main()
