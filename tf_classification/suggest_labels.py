r"""Which crops should an expert label next, so that few answers teach a classifier much?

    python suggest_labels.py embeddings to_label.csv
    python suggest_labels.py embeddings to_label_2.csv --labels answers.csv

The first crops are spread over what the crops look like and over the cameras; once there are
answers (path,label,decision,location), they are those that a classifier is least sure of.  A page
with the crops lies beside the CSV; train_head.py --labels learns from the answers.
"""

from __future__ import annotations

import logging

from database_tools import cli
from tf_classification.heads.request import SuggestRequest

log = logging.getLogger(__name__)


def _run(asked: SuggestRequest) -> None:
    from tf_classification.heads import suggesting  # slow imports wait until the flags are good

    number = suggesting.run(asked)
    log.info("%d crops to label in %s, to look at in its .html", number, asked.output)


main = cli.of_request("suggest_labels.py", __doc__, SuggestRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
