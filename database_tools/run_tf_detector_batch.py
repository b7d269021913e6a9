r"""Run a detector on pictures, and write what it found as MegaDetector's JSON.

    python run_tf_detector_batch.py md_v4.1.0.pb /path/to/images detections.json \
        --recursive --output_relative_filenames

What is found is kept as it comes: the same command again goes on where a killed one stopped.
"""

from __future__ import annotations

import argparse
import functools

from database_tools import cli
from database_tools.cli import places
from database_tools.core import flags
from database_tools.detections.batch_config import BatchConfig


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("run_tf_detector_batch.py", __doc__)
    flags.declare(parser, BatchConfig, underscores=True)
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    config = BatchConfig(**vars(args))
    from database_tools.detections import batch

    batch.run(config, functools.partial(cli.progress, desc="detecting"))


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
