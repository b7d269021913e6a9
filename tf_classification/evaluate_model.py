r"""Evaluate a trained classifier, and export it as a model bundle.

    python evaluate_model.py \
        $BASE_LOGDIR/$LOGDIR/params.json \
        $BASE_LOGDIR/$LOGDIR/ckpt_XX.weights.h5 \
        --output-dir $BASE_LOGDIR/$LOGDIR \
        --splits train val test \
        --batch-size 256

Without --splits the checkpoint is only exported.  The flags of the second group replace what
params.json says.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.formats.splits_json import SPLITS
from tf_classification.evaluation.request import METHODS, EvaluationRequest
from tf_classification.models.table import NETWORKS
from tf_classification.runs.config import STRATEGIES


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("evaluate_model.py", __doc__)
    add = parser.add_argument
    add("params_json", type=Path, help="params.json of the training run")
    add("ckpt_path", type=Path, help="ckpt_XX.weights.h5, a .keras model, or a model bundle")
    add("-o", "--output-dir", type=Path, required=True, help="folder for the results")
    add(
        "--splits", nargs="+", choices=SPLITS, default=(), help="splits to judge; none: only export"
    )
    add("--target-mapping", type=Path, help="JSON: label of the dataset to the classifier's labels")
    add("--label-index", type=Path, help="label index JSON of the classifier; a bundle has its own")
    _add_overrides(parser)
    group = parser.add_argument_group("additions")
    add = group.add_argument
    fit = "fit on val and keep in the bundle; without a value: temperature"
    add("--calibrate", nargs="?", const=METHODS[0], choices=METHODS, help=fit)
    text = "of accepted predictions, for which thresholds are chosen on val (default: 0.95)"
    add("--precision", type=float, default=EvaluationRequest.precision, help=text)
    add(
        "--strategy",
        choices=STRATEGIES,
        default=EvaluationRequest.strategy,
        help="devices to run on",
    )
    text = "make so many devices of the CPU, to try several without GPUs"
    add("--logical-cpus", type=int, default=EvaluationRequest.logical_cpus, help=text)
    return parser


def _add_overrides(parser: cli.Parser) -> None:
    add = parser.add_argument_group("instead of what params.json says").add_argument
    add("--model-name", choices=NETWORKS, metavar="NAME", help="network, such as efficientnet-b3")
    add("--batch-size", type=int, help="crops at a time over all devices")
    add("--num-workers", type=int, help="threads that decode")
    add("--dataset-dir", help="folder of classification_ds.csv, label_index.json, splits.json")
    add("--cropped-images-dir", help="folder of the crops")
    add("--tfrecords", help="folder of TFRecords, instead of these two")


def _run(args: argparse.Namespace) -> None:
    asked = EvaluationRequest(**{**vars(args), "splits": tuple(args.splits)})
    asked.config()  # a broken params.json shows before the slow import

    from tf_classification.evaluation import standalone

    standalone.run(asked, cli.progress)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
