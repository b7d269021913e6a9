r"""Compare two classifiers on the same crops.

    python compare_models.py $BASE_LOGDIR/$LOGDIR $BASE_LOGDIR/other_run --output-dir compared

Each is the folder of a run with outputs_{split}.csv.gz, a CSV that run_classifier.py wrote, or a
model, which is asked.  Differences are paired, and their intervals come from drawing the same
locations for both.  Writes comparison.json, and comparison.html with the crops that changed.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli
from database_tools.formats.splits_json import SPLITS
from tf_classification.predictions.compare_request import CompareRequest

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("compare_models.py", __doc__)
    add = parser.add_argument
    add("first", type=Path, metavar="A", help="folder of outputs, CSV of probabilities, or model")
    add("second", type=Path, metavar="B", help="another")
    add("-o", "--output-dir", type=Path, required=True, help="folder for the results")
    add("--split", choices=SPLITS, default="test", help="whose crops are compared (%(default)s)")
    group = parser.add_argument_group("the dataset (default: as A's params.json says)")
    add = group.add_argument
    add("--dataset-dir", type=Path, help="folder of classification_ds.csv and its like")
    add("--cropped-images-dir", type=Path, help="folder of the crops")
    add("--tfrecords", type=Path, help="folder of TFRecords, instead of these two")
    return parser


def _run(args: argparse.Namespace) -> None:
    models = args.first, args.second
    asked = CompareRequest(
        models, args.split, args.dataset_dir, args.cropped_images_dir, args.tfrecords
    )
    from tf_classification.predictions import comparing  # slow imports wait until flags are good

    found = comparing.run(asked, cli.progress)
    comparing.write(found, args.output_dir)
    print(comparing.text(found))
    log.info("%s", args.output_dir / comparing.PAGE)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
