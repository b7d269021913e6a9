r"""From a folder of pictures to species: detect, cut, classify, and write tables for people.

    python classify_pictures.py /path/to/images model out --detector md_v4.1.0.pb
    python classify_pictures.py /path/to/images model out --detections-json detections.json

Writes out/species.csv, out/detections.json for Timelapse, and out/index.html to look at.  A run
that was ended goes on where it was; after more pictures came, the same command does the rest.
"""

from __future__ import annotations

import logging

from database_tools import cli
from tf_classification.predictions.classify_request import ClassifyRequest

log = logging.getLogger(__name__)


def _run(asked: ClassifyRequest) -> None:
    from tf_classification.predictions import classifying  # slow imports wait

    ledger = classifying.run(asked, cli.progress)
    if ledger.number_dropped:
        log.warning("%s", ledger.summary())
    log.info("%s pictures in %s", f"{ledger.kept:,}", asked.output_dir)


main = cli.of_request("classify_pictures.py", __doc__, ClassifyRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
