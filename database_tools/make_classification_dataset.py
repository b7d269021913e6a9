r"""Detect animals, crop them and make a classification dataset of the crops.

    python make_classification_dataset.py \
        /path/to/dataset.json \
        /path/to/image/root/ \
        /path/to/frozen/detection/graph.pb \
        --coco_style_output /path/to/cocostyle/output/ \
        --tfrecords_output /path/to/tfrecords/output/ \
        --location_key location \
        --exclude_categories human empty
"""

from __future__ import annotations

import argparse

from database_tools import cli
from database_tools.cli import places
from database_tools.core import flags
from database_tools.datasets.build_config import BuildConfig


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("make_classification_dataset.py", __doc__)
    flags.declare(parser, BuildConfig, underscores=True)
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    config = BuildConfig(**vars(args))
    from database_tools.datasets import classification_dataset

    classification_dataset.build(config, lambda items, what: cli.progress(items, desc=what))


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
