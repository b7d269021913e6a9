r"""Say whether a detector is good enough for your cameras, and at which threshold.

    python evaluate_detector.py detections.json labels.json --empty_labels empty \
        --person_labels human

Labels of whole pictures are enough.  Writes a page, tables and a ledger.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.evaluation.evaluation_request import EvaluationRequest


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("evaluate_detector.py", __doc__)
    add = parser.add_argument
    add("detections", type=Path, help="detection file: MegaDetector's JSON, or our pickle")
    add("labels", type=Path, nargs="?", help="labels in COCO Camera Traps format")
    add("--db", type=Path, help="label database instead; its names are DATASET/FILE")
    add("--dataset", help="one dataset of the database; its names are FILE alone")
    add(
        "--location_key",
        default=EvaluationRequest.location_key,
        help="key of an image that says where the camera stood (default: %(default)s)",
    )
    for name, said in (("empty", "nothing"), ("person", "people, who count as people")):
        default = list(getattr(EvaluationRequest, f"{name}_labels"))
        text = f"labels of pictures of {said} (default: {' '.join(default)})"
        add(f"--{name}_labels", nargs="+", default=default, metavar="LABEL", help=text)
    add(
        "--detection_category",
        nargs="+",
        default=list(EvaluationRequest.detection_category),
        help="names or ids of detection categories that are animals, or any (default: animal)",
    )
    text = "share of animal pictures that the threshold shall keep (default: %(default)s)"
    add("--keep", type=float, default=EvaluationRequest.keep, metavar="SHARE", help=text)
    text = "folder that names in the detection file begin with, if another machine wrote it"
    add("--strip_prefix", metavar="FOLDER", help=text)
    add(
        "-o",
        "--output_dir",
        type=Path,
        default=EvaluationRequest.output_dir,
        help="folder for what is found (default: %(default)s)",
    )
    text = "write how often boxes of a confidence are right, for train_classifier.py"
    add("--isotonic_output", type=Path, metavar="NPZ", help=text)
    return parser


def _run(args: argparse.Namespace) -> None:
    request = EvaluationRequest(**vars(args))
    from database_tools.evaluation import detector_evaluation

    detector_evaluation.run(request)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
