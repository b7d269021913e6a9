r"""Make a classification dataset of crops, and split it by location.

    python create_classification_dataset.py $BASE_LOGDIR \
        --mode csv splits \
        --queried-images-json $BASE_LOGDIR/queried_images.json \
        --cropped-images-dir /path/to/crops \
        --detector-output-cache-dir /path/to/mdcache --detector-version 4.1 \
        --threshold 0.9 --min-locs 20 \
        --val-frac 0.2 --test-frac 0.2 --method random
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.datasets.training_config import CSV, SPLITS, TrainingConfig
from database_tools.remote import arguments


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("create_classification_dataset.py", __doc__)
    add = parser.add_argument
    add("output_dir", type=arguments.output, help="folder of the dataset")
    add(
        "--mode",
        nargs="+",
        choices=(CSV, SPLITS),
        default=list(TrainingConfig.mode),
        help="make classification_ds.csv and label_index.json, or splits.json (default: both)",
    )
    add(
        "--match-test",
        nargs=2,
        type=Path,
        metavar=("CLASSIFICATION_CSV", "SPLITS_JSON"),
        help="take over the test set of another dataset",
    )
    csv = parser.add_argument_group(f"{CSV} mode").add_argument
    csv("-q", "--queried-images-json", type=Path, help="JSON of the queried images")
    csv("-c", "--cropped-images-dir", type=arguments.folder, help="folder of the crops")
    csv(
        "-d",
        "--detector-output-cache-dir",
        type=Path,
        help="folder of detections, v<version>/<dataset>.json",
    )
    csv("-v", "--detector-version", help="version of the detector, e.g. 4.1")
    csv(
        "-t",
        "--threshold",
        type=float,
        default=TrainingConfig.threshold,
        help="least detection confidence of a crop (default: %(default)s)",
    )
    csv("--min-locs", type=int, default=0, help="leave out labels of fewer locations")
    splits = parser.add_argument_group(f"{SPLITS} mode").add_argument
    splits("--val-frac", type=float, help="about this fraction of the crops is for val")
    splits("--test-frac", type=float, help="the same for test (default: 0)")
    splits(
        "--method",
        choices=("random", "smallest_first"),
        default=TrainingConfig.method,
        help="how locations are chosen (default: %(default)s)",
    )
    splits(
        "--label-spec",
        type=Path,
        help="label specification whose prioritize says which datasets are taken first for test; "
        "only with --method smallest_first",
    )
    _declare_additions(parser)
    places.declare(parser)
    return parser


def _declare_additions(parser: cli.Parser) -> None:
    add = parser.add_argument_group("additions").add_argument
    add("--seed", type=int, default=TrainingConfig.seed, help="of --method random")
    add(
        "--splits-json",
        type=Path,
        help="splits of your own instead of --method: checked against the crops, and taken over",
    )
    add(
        "--require-all-splits",
        action="store_true",
        help="end with status 2 if a label has no crop in one of the splits",
    )


def _run(args: argparse.Namespace) -> None:
    config = TrainingConfig(**vars(args))
    from database_tools.datasets import training_dataset

    training_dataset.make(config)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
