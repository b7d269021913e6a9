r"""Merge a classifier's probabilities into detections, for Timelapse and MegaDetector's tools.

    python merge_classification_detection_output.py \
        classifier_output_remapped.csv.gz \
        label_index_remapped.json \
        --output-json detections_with_classifications.json \
        --classifier-name megaclassifier_v0.1_efficientnet-b3 \
        --threshold 0.05 \
        --detection-json detections.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from tf_classification.predictions.merge_request import PLACES, VERSIONS, MergeRequest


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("merge_classification_detection_output.py", __doc__)
    add = parser.add_argument
    add("classification_csv", type=Path, help="CSV of probabilities, true labels, or both")
    add("label_names_json", type=Path, help="label index JSON")
    add("-o", "--output-json", type=Path, required=True, help="JSON to write")
    add("-n", "--classifier-name", required=True, help="name of the classifier")
    add(
        "-t",
        "--threshold",
        type=float,
        default=MergeRequest.threshold,
        help="least confidence of a class (default: %(default)s)",
    )
    add("-d", "--datasets", nargs="+", help="only crops of these datasets")
    add("--label", choices=PLACES, help="put the true label among the classes, with 1.0")
    add("--relative-conf", action="store_true", help="by how much likelier than the true label")
    one = parser.add_argument_group("boxes of one file: every image of it comes out").add_argument
    one("-j", "--detection-json", type=Path, help="detections, of any version")
    queried = parser.add_argument_group("or of queried images: those that have a crop come out")
    more = queried.add_argument
    more("-q", "--queried-images-json", type=Path, help="JSON of the queried images")
    more(
        "-c",
        "--detector-output-cache-dir",
        type=Path,
        help="folder of detections, v<version>/<dataset>.json",
    )
    more("-v", "--detector-version", help="of the detector, e.g. 4.1 (default: as crops say)")
    more("-s", "--samples-per-label", type=int, help="at most so many crops of each true label")
    more("--seed", type=int, default=MergeRequest.seed, help="of --samples-per-label")
    new = parser.add_argument_group("additions").add_argument
    new(
        "--format_version",
        choices=VERSIONS,
        default=MergeRequest.format_version,
        help="of the output (default: %(default)s)",
    )
    new(
        "--cropped-images-dir",
        type=Path,
        help="folder of the crops, which says what detector they are of (default: their names)",
    )
    new("--round", action="store_true", help="round confidences to four digits; default: floor")
    new("--timelapse", action="store_true", help="what Timelapse would refuse is an error")
    return parser


def _run(args: argparse.Namespace) -> None:
    request = MergeRequest(**vars(args))
    from tf_classification.predictions import merging

    merging.merge(request)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
