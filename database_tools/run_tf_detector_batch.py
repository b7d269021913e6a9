r"""Run a detector on pictures, and write what it found as MegaDetector's JSON.

    python run_tf_detector_batch.py md_v4.1.0.pb /path/to/images detections.json \
        --recursive --output_relative_filenames

What is found is kept as it comes: the same command again goes on where a killed one stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.detections.batch_config import FORMAT_VERSIONS, BatchConfig
from database_tools.remote import arguments


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("run_tf_detector_batch.py", __doc__)
    add = parser.add_argument
    add("detector_file", type=Path, help="frozen graph, SavedModel folder or ONNX file")
    add(
        "image_file",
        type=arguments.folder,
        help="folder of pictures, JSON list of paths, or one picture",
    )
    add("output_file", type=arguments.output_file, help="JSON file to write")
    add("--recursive", action="store_true", help="look below the folder too")
    add(
        "--output_relative_filenames",
        action="store_true",
        help="write names relative to the folder, not as paths",
    )
    add(
        "--threshold",
        type=float,
        default=BatchConfig.threshold,
        help="boxes of a higher confidence are written (default: %(default)s)",
    )
    add(
        "--checkpoint_frequency",
        type=int,
        default=BatchConfig.checkpoint_frequency,
        metavar="N",
        help="save after N pictures at the latest; -1 is after each batch, the default, and "
        "larger numbers do not save less often",
    )
    add(
        "--resume_from_checkpoint",
        type=Path,
        metavar="JSON",
        help="checkpoint of the original tool: its pictures are not detected again",
    )
    add("--ncores", type=int, default=BatchConfig.ncores, help="cores to compute on (default: all)")
    _declare_additions(parser)
    places.declare(parser)
    return parser


def _declare_additions(parser: cli.Parser) -> None:
    group = parser.add_argument_group("additions")
    add = group.add_argument
    add(
        "--format_version",
        choices=FORMAT_VERSIONS,
        default=BatchConfig.format_version,
        help="1.0 writes the keys, digits and words of the original (default: %(default)s)",
    )
    add(
        "--detection_store",
        type=Path,
        metavar="FOLDER",
        help="folder that keeps what is found, for other runs on the same pictures too "
        "(default: .OUTPUT_FILE.store beside the output)",
    )
    add("--threads", type=int, default=BatchConfig.threads, help="that decode (default: all cores)")
    text = "most pictures to compute together (default: %(default)s)"
    add("--batch_size", type=int, default=BatchConfig.batch_size, help=text)
    text = "leave out pictures of more pixels (default: %(default)s)"
    add("--max_pixels", type=int, default=BatchConfig.max_pixels, help=text)
    cli.add_scheduler(group)
    text = "end with status 2 if pictures could not be read, after everything else is done"
    add("--strict", action="store_true", help=text)


def _watch(pictures: range) -> Iterable[int]:
    return cli.progress(pictures, desc="detecting")


def _run(args: argparse.Namespace) -> None:
    config = BatchConfig(**vars(args))
    from database_tools.detections import batch

    batch.run(config, _watch)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
