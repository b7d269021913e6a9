r"""Train a classifier on crops, on one device, many GPUs or many machines.

    python train_classifier.py $BASE_LOGDIR /path/to/crops \
        --model-name efficientnet-b3 --pretrained \
        --label-weighted --weight-by-detection-conf mdv4_1_isotonic_calibration.npz \
        --epochs 50 --batch-size 160 --lr 0.0001 \
        --logdir $BASE_LOGDIR --log-extreme-examples 3

$BASE_LOGDIR holds classification_ds.csv, label_index.json and splits.json. The output of
make_classification_dataset.py is taken as it is: its COCO-style folder alone, or its records with
--tfrecords. A killed run goes on with --resume LOGDIR.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.core import flags
from database_tools.core.errors import UserError
from database_tools.remote import arguments
from tf_classification.runs import dataset, run_folder
from tf_classification.runs.config import BUNDLE, PARAMS, TrainConfig, read
from tf_classification.training import interruption

log = logging.getLogger(__name__)

_NAME = "train_classifier.py"


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser(_NAME, __doc__)
    flags.declare(parser, TrainConfig, given_only=True)
    group = parser.add_argument_group("instead of a new run")
    text = "go on with a killed run"
    group.add_argument("--resume", type=arguments.output, metavar="LOGDIR", help=text)
    text = "name of the run's folder, not its time; the same command again goes on with it"
    group.add_argument("--run-name", metavar="NAME", help=text)
    text = "read everything, make one step, print the plan"
    group.add_argument("--dry-run", action="store_true", help=text)
    text = "check that one batch can be learnt by heart"
    group.add_argument("--overfit-batch", action="store_true", help=text)
    places.declare(parser)
    return parser


def _config(args: argparse.Namespace) -> TrainConfig:
    """Check the flags; a resumed run has its inputs from its params.json."""
    said = {name: value for name, value in vars(args).items() if hasattr(TrainConfig, name)}
    if args.run_name is not None:
        _find(args)
    if args.resume is None:
        return TrainConfig(**said)
    if args.dry_run or args.overfit_batch:
        raise UserError("--resume does not go with --dry-run or --overfit-batch")
    began = read(args.resume / PARAMS)
    if began.head is not None:
        rule = f"a head has no epochs; begin a training with --pretrained {args.resume / BUNDLE}"
        raise UserError(f"--resume {args.resume}: {rule}")
    return began.resumed(said)


def _find(args: argparse.Namespace) -> None:
    """Go on with the run of a name, if it has come to its first save."""
    if args.resume is not None or args.dry_run or args.overfit_batch:
        raise UserError("--run-name does not go with --resume, --dry-run or --overfit-batch")
    if not run_folder.is_name(args.run_name):
        raise UserError(f"--run-name must be the name of a folder, got {args.run_name!r}")
    folder = Path(getattr(args, "logdir", TrainConfig.logdir)) / args.run_name
    if (folder / run_folder.STATE).exists():
        args.resume = folder


def _run(args: argparse.Namespace) -> None:
    config = _config(args)
    if args.resume is not None and (made := run_folder.finished(args.resume, config)):
        log.info("the run is finished; its model bundle is %s", made)
        log.info("a longer one: --resume %s --epochs N", shlex.quote(str(args.resume)))
        return
    config.check_inputs(begun=args.resume is not None)
    dataset.check_kind(config)
    # Slow imports wait until the flags are good.
    if args.dry_run:
        from tf_classification.training import dry_run

        print(dry_run.report(config, cli.progress))
    elif args.overfit_batch:
        from tf_classification.training import overfit

        print(overfit.report(config))
    else:
        _train(config, args.resume, args.run_name)


def _train(config: TrainConfig, resume: Path | None, name: str | None) -> None:
    """Train; at Ctrl-C say how to go on, and end at once."""
    folder = resume

    def begun(logdir: Path) -> None:
        nonlocal folder
        folder = logdir

    def say() -> None:
        run_folder.say_kept(folder)
        print(f"{_NAME}: interrupted", file=sys.stderr)

    with interruption.answered(say):
        from tf_classification.training import run

        run.train(config, resume, cli.progress, begun, name)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
