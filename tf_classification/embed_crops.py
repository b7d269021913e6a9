r"""Compute what a network sees in crops, once, and keep it: for train_head.py and others.

    python embed_crops.py /path/to/crops --dataset-dir $BASE_LOGDIR \
        --model-name efficientnet-lite0 --pretrained

    python embed_crops.py --images-dir /path/to/images --detections-json detections.json \
        --square-crops --model-name efficientnet-lite0 --pretrained --output_dir embeddings

They lie in embeddings/NETWORK-FINGERPRINT beside the dataset's CSV, or below --output_dir.  A crop
that is there is not computed again, and a run that was ended goes on where it was.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.core import flags
from database_tools.remote import arguments
from tf_classification.embeddings.request import EmbedRequest
from tf_classification.models.description import VIEWS
from tf_classification.models.table import NETWORKS
from tf_classification.predictor.crops_request import CropsRequest

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("embed_crops.py", __doc__)
    add = parser.add_argument
    add(
        "crops_dir", type=arguments.folder, nargs="?", help="folder of crops; not with --images-dir"
    )
    add("--model", type=Path, metavar="BUNDLE", help="model bundle or .tflite that embeds")
    names = ", ".join(NETWORKS)
    add("-m", "--model-name", metavar="NAME", help=f"or a network with --pretrained: {names}")
    text = "ImageNet's weights, or those of a .keras or .weights.h5 file"
    add("--pretrained", nargs="?", const=True, default=False, metavar="PATH", help=text)
    text = "folder of the classification_ds.csv that lists the crops"
    add("--dataset-dir", type=Path, metavar="DIR", help=text)
    text = "records of make_classification_dataset.py, instead of a folder of crops"
    add("--tfrecords", type=arguments.folder, metavar="DIR", help=text)
    text = "folder for embeddings (default: embeddings in the dataset's folder)"
    add("--output_dir", type=arguments.output, metavar="DIR", help=text)
    text = "2: each crop mirrored, too (default: 1)"
    add("--views", type=int, choices=VIEWS, default=EmbedRequest.views, help=text)
    flags.declare(parser, CropsRequest)
    places.declare(parser)
    cli.add_scheduler(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    asked = EmbedRequest(**vars(args))
    from tf_classification.embeddings import embedding  # slow imports wait

    folder, ledger = embedding.run(asked, cli.progress)
    log.info("%s crops in %s", f"{ledger.kept:,}", folder)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
