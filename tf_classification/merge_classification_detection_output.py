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

from database_tools import cli
from tf_classification.predictions.merge_request import MergeRequest


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    return cli.Parser("merge_classification_detection_output.py", __doc__, MergeRequest)


def _run(args: argparse.Namespace) -> None:
    request = MergeRequest(**vars(args))
    from tf_classification.predictions import merging

    merging.merge(request)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
