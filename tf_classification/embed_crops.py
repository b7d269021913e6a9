r"""Compute what a network sees in crops, once, and keep it: for train_head.py and others.

    python embed_crops.py /path/to/crops --dataset-dir $BASE_LOGDIR \
        --model-name efficientnet-lite0 --pretrained

    python embed_crops.py --images-dir /path/to/images --detections-json detections.json \
        --square-crops --model-name efficientnet-lite0 --pretrained --output_dir embeddings

They lie in embeddings/NETWORK-FINGERPRINT beside the dataset's CSV, or below --output_dir.  A crop
that is there is not computed again, and a run that was ended goes on where it was.
"""

from __future__ import annotations

import logging

from database_tools import cli
from tf_classification.embeddings.request import EmbedRequest

log = logging.getLogger(__name__)


def _run(asked: EmbedRequest) -> None:
    from tf_classification.embeddings import embedding  # slow imports wait

    folder, ledger = embedding.run(asked, cli.progress)
    log.info("%s crops in %s", f"{ledger.kept:,}", folder)


main = cli.of_request("embed_crops.py", __doc__, EmbedRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
