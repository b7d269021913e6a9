r"""Compare two classifiers on the same crops.

    python compare_models.py $BASE_LOGDIR/$LOGDIR $BASE_LOGDIR/other_run --output-dir compared

Each is the folder of a run with outputs_{split}.csv.gz, a CSV that run_classifier.py wrote, or a
model, which is asked.  Differences are paired, and their intervals come from drawing the same
locations for both.  Writes comparison.json, and comparison.html with the crops that changed.
"""

from __future__ import annotations

import logging

from database_tools import cli
from tf_classification.predictions.compare_request import CompareRequest

log = logging.getLogger(__name__)


def _run(asked: CompareRequest) -> None:
    from tf_classification.predictions import comparing  # slow imports wait until flags are good

    found = comparing.run(asked, cli.progress)
    comparing.write(found, asked.output_dir)
    print(comparing.text(found))
    log.info("%s", asked.output_dir / comparing.PAGE)


main = cli.of_request("compare_models.py", __doc__, CompareRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
