r"""Find labels that are perhaps wrong, by what heads say that saw nothing of a crop's location.

    python find_mislabeled.py $BASE_LOGDIR /path/to/crops --db labels.db --output candidates.csv

embed_crops.py comes before.  The other crops of a burst, and crops that look the same, speak for or
against a label too.  A list of the pictures and a page lie beside the CSV; review_mislabeled.py
makes pages to decide on.
"""

from __future__ import annotations

import logging

from database_tools import cli
from tf_classification.review.requests import FindRequest

log = logging.getLogger(__name__)


def _run(asked: FindRequest) -> None:
    from tf_classification.review import finding  # slow imports wait until the flags are good

    number = finding.run(asked, lambda crops, n: cli.progress(crops, n, "comparing"))
    log.info("%s labels are perhaps wrong: %s", f"{number:,}", asked.output)


main = cli.of_request("find_mislabeled.py", __doc__, FindRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
