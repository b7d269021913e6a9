r"""Pages to decide by keyboard which pictures are mislabeled, from lists of candidates.

    python review_mislabeled.py $BASE_LOGDIR /path/to/crops review \
        $BASE_LOGDIR/$LOGDIR/mislabeled_candidates_test_caltech.txt \
        --images-dir /path/to/images \
        --detector-output-cache-dir /path/to/classifier-training/mdcache --detector-version 4.1 \
        --label-spec $BASE_LOGDIR/label_spec.json \
        --taxonomy-csv /path/to/camera_trap_taxonomy_mapping.csv --db labels.db
    python review_mislabeled.py $BASE_LOGDIR /path/to/crops review candidates.csv

The CSV that the pages export is for save_mislabeled.py.  They need no server: open index.html.
"""

from __future__ import annotations

import logging

from database_tools import cli
from tf_classification.review.requests import ReviewRequest

log = logging.getLogger(__name__)


def _run(asked: ReviewRequest) -> None:
    from tf_classification.review import reviewing  # slow imports wait until the flags are good

    number = reviewing.run(asked, cli.progress)
    log.info("%s pictures to decide in %s", f"{number:,}", asked.output_dir / "index.html")


main = cli.of_request("review_mislabeled.py", __doc__, ReviewRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
