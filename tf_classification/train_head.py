r"""Learn a classifier on embeddings, in seconds: the last layer of a network, as a model bundle.

    python train_head.py $BASE_LOGDIR /path/to/crops --logdir $BASE_LOGDIR

    python train_head.py --labels answers.csv --embeddings embeddings --logdir logs

embed_crops.py comes before.  All labels weigh the same, as with --label-weighted of
train_classifier.py; how much the crops may say against a plain answer is chosen by folds of
locations within train.  An expert's answers (path,label,decision,location) need no splits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from tf_classification.heads.request import HeadRequest, add_places


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("train_head.py", __doc__)
    add = parser.add_argument
    add_places(parser)
    text = "the run makes a folder named by its time in here (default: the current folder)"
    add("--logdir", type=Path, default=HeadRequest.logdir, help=text)
    text = "weigh crops by the detector's confidence, calibrated by the file if there is one"
    add(
        "--weight-by-detection-conf", nargs="?", const=True, default=False, metavar="NPZ", help=text
    )
    add("--max-per-label", type=int, metavar="N", help="most crops of a label to learn from")
    text = "leave out labels with fewer crops to learn from"
    add("--min-crops", type=int, default=HeadRequest.min_crops, metavar="N", help=text)
    text = "with the output of make_classification_dataset.py: part of the training crops, by"
    text += " location, to validate on (default: %(default)s)"
    add("--val-fraction", type=float, default=HeadRequest.val_fraction, help=text)
    text = "share of known animals that may be taken for unknown ones (default: %(default)s)"
    add("--false_alarms", type=float, default=HeadRequest.false_alarms, metavar="SHARE", help=text)
    add("--seed", type=int, default=HeadRequest.seed, help="of every draw (default: %(default)s)")
    return parser


def _run(args: argparse.Namespace) -> None:
    asked = HeadRequest(**vars(args))
    from tf_classification.heads import course  # slow imports wait until the flags are good

    prepared = course.prepare(asked)
    from tf_classification.heads import training  # and TensorFlow until what they name is

    training.run(asked, prepared, cli.progress)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
