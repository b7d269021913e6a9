r"""From a folder of pictures to species: detect, cut, classify, and write tables for people.

    python classify_pictures.py /path/to/images model out --detector md_v4.1.0.pb
    python classify_pictures.py /path/to/images model out --detections-json detections.json

Writes out/species.csv, out/detections.json for Timelapse, and out/index.html to look at.  A run
that was ended goes on where it was; after more pictures came, the same command does the rest.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.remote import arguments
from tf_classification.predictions.classify_request import ClassifyRequest

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("classify_pictures.py", __doc__)
    add = parser.add_argument
    add(
        "pictures",
        type=arguments.folder,
        help="folder of pictures, looked through with its subfolders",
    )
    add("model", type=Path, help="model bundle, .tflite with its model.json, or PyTorch .pt")
    add("output_dir", type=arguments.output, help="folder to write to")
    add("--detector", type=Path, help="frozen graph, SavedModel folder or ONNX file")
    add("--detections-json", type=Path, help="batch output of a detector, instead")
    add("-c", "--classifier-categories", type=Path, help="label index JSON, which a .pt needs")
    least = ClassifyRequest.threshold
    add("--threshold", type=float, default=least, help="least confidence of a box (%(default)s)")
    add("--square-crops", action="store_true", help="cut the smallest square around each box")
    add("--padding", type=float, help="cut a square around each box, larger by this factor")
    text = "say of animals that the model never learnt: unknown: look"
    add("--unknown", action="store_true", help=text)
    add("--num-workers", type=int, help="threads (default: one for each processor)")
    add("--sort_into", type=Path, metavar="DIR", help="link the pictures into folders by species")
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    asked = ClassifyRequest(**vars(args))
    from tf_classification.predictions import classifying  # slow imports wait

    ledger = classifying.run(asked, cli.progress)
    if ledger.number_dropped:
        log.warning("%s", ledger.summary())
    log.info("%s pictures in %s", f"{ledger.kept:,}", asked.output_dir)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
