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

from database_tools import cli
from tf_classification.predictions.merge_request import MergeRequest


def _run(request: MergeRequest) -> None:
    from tf_classification.predictions import merging

    merging.merge(request)


main = cli.of_request("merge_classification_detection_output.py", __doc__, MergeRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
