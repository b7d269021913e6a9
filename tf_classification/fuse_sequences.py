r"""Let all crops of an event say together what they are, boxes of different animals apart.

    python fuse_sequences.py classifier_output.csv.gz --detection-json detections.json \
        --output_dir fused --classifier-name my_classifier --input_json annotations.json

Writes events.csv with a row for each event, the detections with the classes of each box's group
and its own, and the same as a table of probabilities.  An event is what has one seq_id; of other
pictures, those of a location that follow each other by less than --event_gap.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.core import fusion
from tf_classification.predictions import result_request
from tf_classification.predictions.fuse_request import FuseRequest


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("fuse_sequences.py", __doc__)
    result_request.add_flags(parser.add_argument)
    when = parser.add_argument_group("events: give one of these").add_argument
    when("--input_json", type=Path, help="COCO Camera Traps with seq_id, or location and datetime")
    when("--db", type=Path, help="label database that import_labels made")
    when("--media_csv", type=Path, help="media.csv of Camtrap DP; or path, location, datetime")
    when("--exif", type=Path, metavar="FOLDER", help="folder of the pictures; a folder is a place")
    add = parser.add_argument_group("how").add_argument
    add(
        "--event_gap",
        type=float,
        default=FuseRequest.event_gap,
        help="seconds without a picture after which a new event begins (default: %(default)s)",
    )
    add(
        "--rule",
        choices=fusion.RULES,
        default=FuseRequest.rule,
        help="mean of logarithms, mean, or product of probabilities, weighted by the detector's "
        "confidence (default: %(default)s)",
    )
    add(
        "--same",
        type=float,
        default=FuseRequest.same,
        help="how often two boxes of an event are of one label (default: %(default)s)",
    )
    add(
        "--temperature",
        type=float,
        default=FuseRequest.temperature,
        help="above 1 makes crops less sure; run_classifier's are calibrated (default: 1)",
    )
    add("--calibrate_on", type=Path, metavar="CSV", help="find it: a table with true labels")
    return parser


def _run(args: argparse.Namespace) -> None:
    request = FuseRequest(**vars(args))
    from tf_classification.predictions import fusing

    fusing.run(request, cli.progress)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
