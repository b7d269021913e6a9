r"""CPU milliseconds a crop of run_classifier, decoding included, and the share of the network.

    python scripts/bench/run_classifier.py --kind int8 --crops 400
    python scripts/bench/run_classifier.py --kind int8 float bundle --crops 100

The network has random weights; crops are JPEGs of 300 pixels.  The rounds alternate between the
kinds, and in each between the whole run, a run of one crop, whose time (to open the model) is taken
off, and the network alone on prepared pixels; the least of each is taken, and the median of the
rounds' ratios.  Targets for
EfficientNet-B0: int8 <= 10 ms, aim 6.7; of a bundle's time >= 85 % in the network.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from operator import truediv
from pathlib import Path

import numpy as np
from PIL import Image

from database_tools.core.crop_recipe import CropRecipe
from tf_classification.models.description import Description
from tf_classification.predictions import running
from tf_classification.predictions.request import RunRequest


def main() -> None:
    """Make models and crops, and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="efficientnet-b0")
    parser.add_argument("--kind", nargs="+", choices=("bundle", "float", "int8"), default=["int8"])
    parser.add_argument("--crops", type=int, default=400)
    parser.add_argument("--pixels", type=int, default=300)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make_crops(folder / "crops", args.crops, args.pixels)
        _make_crops(folder / "one", 1, args.pixels)
        kinds = {kind: Kind(kind, folder, args) for kind in args.kind}
        for _ in range(args.rounds):
            for kind in kinds.values():
                kind.measure()
    print(f"{args.network}, {args.crops} crops of {args.pixels} pixels:")
    first = kinds[args.kind[0]]
    for name, kind in kinds.items():
        cpu, network = 1000 * min(kind.whole), 1000 * min(kind.alone)
        ratio = statistics.median(map(truediv, first.whole, kind.whole))
        print(f"{name}: {cpu:.1f} CPU ms a crop (rounds ", end="")
        print(f"{', '.join(f'{1000 * w:.1f}' for w in kind.whole)}), {network:.1f} of them in the")
        print(f"network ({network / cpu:.0%}), {1 / min(kind.wall):.0f} crops a second; ", end="")
        print(f"{args.kind[0]} takes {ratio:.2f} of it")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


class Kind:
    """A model of one kind, and what each round of it took a crop, in seconds."""

    def __init__(self, kind: str, folder: Path, args: argparse.Namespace) -> None:
        path, out = _make_model(folder / kind, kind, args), folder / kind / "out.csv.gz"
        crops, one = folder / "crops", folder / "one"
        self.all = RunRequest(path, out, crops_dir=crops, num_workers=args.workers)
        self.single = RunRequest(path, out, crops_dir=one, num_workers=args.workers)
        self.model = running.open_model(self.all)
        encoded = [path.read_bytes() for path in sorted(crops.iterdir())[:64]]
        self.pixels = [self.model.pixels(one) for one in encoded]
        self.model.of_pixels(self.pixels[:32])  # warm
        self.others = args.crops - 1
        self.whole: list[float] = []
        self.wall: list[float] = []
        self.alone: list[float] = []

    def measure(self) -> None:
        """Measure a round."""
        opened, (cpu, seconds) = _time(self.single), _time(self.all)
        self.whole.append((cpu - opened[0]) / self.others)
        self.wall.append((seconds - opened[1]) / self.others)
        start = time.process_time()
        for first in range(0, len(self.pixels), 32):
            self.model.of_pixels(self.pixels[first : first + 32])
        self.alone.append((time.process_time() - start) / len(self.pixels))


def _time(asked: RunRequest) -> tuple[float, float]:
    """Return the CPU seconds and the seconds of a run."""
    start, since = time.process_time(), time.monotonic()
    running.run(asked, lambda crops, **_: crops)
    return time.process_time() - start, time.monotonic() - since


def _make_crops(folder: Path, number: int, side: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(number):
        rough = Image.fromarray(rng.integers(0, 256, (side // 6, side // 6, 3)).astype(np.uint8))
        rough.resize((side, side)).save(folder / f"{i:06d}.jpg")


def _make_model(folder: Path, kind: str, args: argparse.Namespace) -> Path:
    from tf_classification.export import litert
    from tf_classification.models import bundle, networks
    from tf_classification.models.table import NETWORKS

    side = NETWORKS[args.network].image_size
    labels = tuple(f"label {i}" for i in range(args.labels))
    described = Description(labels, args.network, side, crop_recipe=CropRecipe())
    folder.mkdir()
    network = networks.build(args.network, args.labels)
    if kind == "bundle":
        return bundle.write(folder / "model", network, described).base
    path = folder / "model.tflite"
    if kind == "float":
        path.write_bytes(litert.convert(network))
    else:
        pixels = np.random.default_rng(0).uniform(0, 255, (8, side, side, 3))
        path.write_bytes(litert.convert_int8(network, pixels.astype(np.float32)))
    facts = described.to_json() | {"files": {kind: path.name}}
    (folder / "model.json").write_text(json.dumps(facts))
    return path


if __name__ == "__main__":
    main()
