r"""A page to say by keyboard what crops are, for train_head.py --labels.

    python suggest_labels.py embeddings to_label.csv --number 40
    python label_crops.py to_label.csv label --embeddings embeddings --label-names deer fox hare

It needs no server: open label/index.html, answer, and export answers.csv.
"""

from __future__ import annotations

import logging

from database_tools import cli
from tf_classification.review.requests import LabelRequest

log = logging.getLogger(__name__)


def _run(asked: LabelRequest) -> None:
    from tf_classification.review import labelling  # slow imports wait until the flags are good

    number = labelling.run(asked)
    log.info("%d crops to label in %s", number, asked.output_dir / "index.html")


main = cli.of_request("label_crops.py", __doc__, LabelRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
