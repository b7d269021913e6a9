r"""Let all crops of an event say together what they are, boxes of different animals apart.

    python fuse_sequences.py classifier_output.csv.gz --detection-json detections.json \
        --output_dir fused --classifier-name my_classifier --input_json annotations.json

Writes events.csv with a row for each event, the detections with the classes of each box's group
and its own, and the same as a table of probabilities.  An event is what has one seq_id; of other
pictures, those of a location that follow each other by less than --event_gap.
"""

from __future__ import annotations

from database_tools import cli
from tf_classification.predictions.fuse_request import FuseRequest


def _run(request: FuseRequest) -> None:
    from tf_classification.predictions import fusing

    fusing.run(request, cli.progress)


main = cli.of_request("fuse_sequences.py", __doc__, FuseRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
