r"""Generate camera-trap pictures with labels and exact boxes, to try everything else on.

    python make_demo_dataset.py demo_data
    python make_demo_dataset.py demo_data --classification_dataset
    python make_demo_dataset.py demo_data --detector demo_data/demo_detector.pb
    python make_demo_dataset.py demo_test --images 300 --locations 8 --first_location 100

Eight species that differ in shape and texture, not in colour, pass cameras by day and by night.
The same parameters give the same pictures.  Two data sets share no place when the indices of
their locations, FIRST_LOCATION to FIRST_LOCATION + LOCATIONS - 1, do not overlap.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from database_tools import cli
from database_tools.core import limits
from database_tools.remote import arguments


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, got {text!r}")
    return int(width), int(height)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("make_demo_dataset.py", __doc__)
    add = parser.add_argument
    add("output_dir", type=arguments.output, help="folder to write to")
    add("--images", type=int, default=400, metavar="N", help="number of pictures (default 400)")
    add("--locations", type=int, default=12, metavar="N", help="number of places (default 12)")
    add("--first_location", type=int, default=0, metavar="I", help="index of the first (default 0)")
    add("--seed", type=int, default=0, help="other events at the same places (default 0)")
    add("--size", type=_size, default=(640, 480), metavar="WxH", help="default 640x480")
    add(
        "--location_bias", type=float, default=0.8, metavar="B",
        help="how much the mix of species differs between places, 0 to 1 (default 0.8)",
    )  # fmt: skip
    add(
        "--class_imbalance", type=float, default=1.0, metavar="P",
        help="exponent of the species' shares: 0 = equal, 1 = from 30%% down to 4%% (default), "
        "2 = from 54%% down to 1%%",
    )  # fmt: skip
    add(
        "--corrupt_files", choices=("marked", "unmarked", "none"), default="marked",
        help='add four files that are no pictures; marked: with "corrupt": true (default)',
    )  # fmt: skip
    add(
        "--classification_dataset", action="store_true",
        help="also write crops, cut at the exact boxes, with the classification_ds.csv, "
        "label_index.json and splits.json that train_classifier.py reads",
    )  # fmt: skip
    add(
        "--detector", type=Path, metavar="PB",
        help="also write the detector of the demo world, as a frozen graph (needs TensorFlow)",
    )  # fmt: skip
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: cores)")
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.demo import dataset
    from database_tools.work import executors

    limits.check(args, "at least 1", "--workers")
    options = vars(args)
    output, workers = options.pop("output_dir"), options.pop("workers")
    crops, detector = options.pop("classification_dataset"), options.pop("detector")
    config = dataset.DemoDataset(**options)
    with executors.make(workers) as pool:
        executor = pool if workers > 1 else None
        dataset.make(config, output, executor, lambda boxes, n: cli.progress(boxes, n, "pictures"))
    print(f"{output / 'images'}: {config.images} pictures")
    print(f"{output / 'image_level.json'}: what an expert noted for each sequence")
    print(f"{output / 'boxes.json'}: exact boxes")
    if crops:
        from database_tools.demo import classification

        classification.make(output)
        print(f"{output / 'crops'}: a crop for each box; {', '.join(classification.FILES)}")
    if detector:
        from database_tools.demo.detector import freeze

        freeze(detector)
        print(f"{detector}: a detector that knows the demo world, as a frozen graph")


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
