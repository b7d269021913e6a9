r"""Answer as precisely as is safe: the lowest taxon whose summed probability reaches a target.

    python roll_up.py classifier_output.csv.gz --detection-json detections.json \
        --output_dir rolled_up --classifier-name my_classifier --model my_model

A picture that may be a fox or a wolf becomes a canid.  Tables of fuse_sequences are read, too.
"""

from __future__ import annotations

from database_tools import cli
from tf_classification.predictions.roll_request import RollRequest


def _run(request: RollRequest) -> None:
    from tf_classification.predictions import rolling

    rolling.run(request)


main = cli.of_request("roll_up.py", __doc__, RollRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
