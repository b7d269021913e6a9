r"""Ask a trained classifier about crops, and write its probabilities as a CSV.

    python run_classifier.py v0.1_efficientnet-b3_compiled.pt /path/to/crops \
        classifier_output.csv.gz \
        --detections-json detections.json \
        --classifier-categories v0.1_index_to_name.json \
        --image-size 300 --batch-size 64 --num-workers 8

    python run_classifier.py model classifier_output.csv.gz \
        --images-dir /path/to/images --detections-json detections.json

The second needs no crops on the disk: it cuts the pictures as the model's own crops were cut.  A
run that was ended goes on where it was.
"""

from __future__ import annotations

import logging

from database_tools import cli
from tf_classification.predictions.request import RunRequest

log = logging.getLogger(__name__)


def _run(asked: RunRequest) -> None:
    from tf_classification.predictions import running  # slow imports wait until the flags are good

    ledger = running.run(asked, cli.progress)
    log.info("%s crops in %s", f"{ledger.kept:,}", asked.output)


main = cli.of_request("run_classifier.py", __doc__, RunRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
