r"""CPU milliseconds a crop of run_classifier, decoding included, and the share of the network.

    python scripts/bench/run_classifier.py --kind int8 --crops 400
    python scripts/bench/run_classifier.py --kind bundle --crops 100

The network has random weights; crops are JPEGs of 300 pixels.  The rounds alternate between the
whole run, a run of one crop, whose time (to open the model) is taken off, and the network alone on
prepared pixels; the least of each is taken.  Targets for
EfficientNet-B0: int8 <= 10 ms, aim 6.7; of a bundle's time >= 85 % in the network.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from database_tools.core.crop_recipe import CropRecipe
from tf_classification.models.description import Description
from tf_classification.predictions import running
from tf_classification.predictions.request import RunRequest


def main() -> None:
    """Make a model and crops, and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="efficientnet-b0")
    parser.add_argument("--kind", choices=("bundle", "float", "int8"), default="int8")
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
        path, out = _make_model(folder, args), folder / "out.csv.gz"
        asked = RunRequest(path, out, crops_dir=folder / "crops", num_workers=args.workers)
        single = RunRequest(path, out, crops_dir=folder / "one", num_workers=args.workers)
        model = running.open_model(asked)
        encoded = [path.read_bytes() for path in sorted((folder / "crops").iterdir())[:64]]
        pixels = np.stack([model.pixels(one) for one in encoded])
        model.of_pixels(pixels[:32])  # warm
        whole, wall, alone = [], [], []
        for _ in range(args.rounds):
            opened, (cpu, seconds) = _time(single), _time(asked)
            whole.append((cpu - opened[0]) / (args.crops - 1))
            wall.append((seconds - opened[1]) / (args.crops - 1))
            start = time.process_time()
            for first in (0, 32):
                model.of_pixels(pixels[first : first + 32])
            alone.append((time.process_time() - start) / len(pixels))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu, network = 1000 * min(whole), 1000 * min(alone)
    print(f"{args.network} {args.kind}, {args.crops} crops of {args.pixels} pixels:")
    print(f"{cpu:.1f} CPU ms a crop (rounds {', '.join(f'{1000 * w:.1f}' for w in whole)}),")
    print(f"{network:.1f} of them in the network ({network / cpu:.0%}), ", end="")
    print(f"{1 / min(wall):.0f} crops a second, peak {peak:.0f} MB")


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


def _make_model(folder: Path, args: argparse.Namespace) -> Path:
    from tf_classification.export import litert
    from tf_classification.models import bundle, networks
    from tf_classification.models.table import NETWORKS

    side = NETWORKS[args.network].image_size
    labels = tuple(f"label {i}" for i in range(args.labels))
    described = Description(labels, args.network, side, crop_recipe=CropRecipe())
    network = networks.build(args.network, args.labels)
    if args.kind == "bundle":
        return bundle.write(folder / "model", network, described).base
    path = folder / "model.tflite"
    if args.kind == "float":
        path.write_bytes(litert.convert(network))
    else:
        pixels = np.random.default_rng(0).uniform(0, 255, (8, side, side, 3))
        path.write_bytes(litert.convert_int8(network, pixels.astype(np.float32)))
    facts = described.to_json() | {"files": {args.kind: path.name}}
    (folder / "model.json").write_text(json.dumps(facts))
    return path


if __name__ == "__main__":
    main()
