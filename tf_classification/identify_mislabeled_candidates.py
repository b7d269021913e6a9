r"""List pictures that are perhaps mislabeled, to download and review them.

    python identify_mislabeled_candidates.py $BASE_LOGDIR/$LOGDIR \
        --margin 0.95 --splits test --include-dataset-in-filename
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.core import limits


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("identify_mislabeled_candidates.py", __doc__)
    add = parser.add_argument
    add("logdir", type=Path, help="folder of a training run, with outputs_{split}.csv.gz")
    text = "least probability of the predicted label above the true one (default: %(default)s)"
    add("--margin", type=float, default=0.5, help=text)
    add("--splits", nargs="+", default=(), help="splits to look at (default: all that are there)")
    text = "write <dataset>/<file>, as download_images.py wants"
    add("-d", "--include-dataset-in-filename", action="store_true", help=text)
    return parser


def _run(args: argparse.Namespace) -> None:
    limits.check(args, "in [0, 1]", "--margin")
    from tf_classification.predictions import mislabeled

    with_dataset = args.include_dataset_in_filename
    mislabeled.write_lists(args.logdir, args.splits, args.margin, with_dataset=with_dataset)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
