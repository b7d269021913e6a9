r"""Start the workers of a training, and start them again when one of them ends.

    python launch_training.py --workers 2 --max_restarts 3 -- \
        $BASE_LOGDIR /path/to/crops --logdir $BASE_LOGDIR --run-name first

What follows the -- is for train_classifier.py.  When a worker ends before its time, all of them
begin again at the last state of the run, as does this command when it is given again.

On several machines, start it on each with TF_CONFIG in the environment, or by Slurm's srun: it then
starts one worker.  The log folder is on a disk that all see, and --run-name is the same.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from database_tools import cli, remote
from database_tools.core import limits
from database_tools.core.errors import UserError
from tf_classification.runs import run_folder
from tf_classification.runs.config import TrainConfig
from tf_classification.training import launching
from tf_classification.training.launching import Launch


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("launch_training.py", __doc__)
    add = parser.add_argument
    add("--workers", type=int, default=1, help="processes on this machine (default: %(default)s)")
    text = "how often all are started again (default: %(default)s)"
    add("--max_restarts", type=int, default=3, metavar="N", help=text)
    add("words", nargs="+", metavar="-- WORD", help="what train_classifier.py is asked")
    return parser


def _run(args: argparse.Namespace) -> int:
    limits.check(args, "at least 1", "--workers")
    limits.check(args, "at least 0", "--max_restarts")
    words = list(args.words)
    slurm = os.environ.get("SLURM_STEP_NUM_TASKS", "1") != "1"
    together = slurm or "TF_CONFIG" in os.environ
    if together and args.workers > 1:
        raise UserError("--workers: TF_CONFIG or Slurm says which workers there are; leave it out")
    known = _known(words)
    if known.run_name is None and known.resume is None:
        known.run_name = _name(together)
        words += ["--run-name", known.run_name]
    folder = known.resume or Path(known.logdir) / known.run_name
    if remote.is_address(folder) and (together or args.workers > 1):
        raise UserError(f"{folder}: several workers need a folder on a disk that all see")
    return launching.run(Launch(words, folder, args.workers, args.max_restarts, together))


def _known(words: Sequence[str]) -> argparse.Namespace:
    """Read what the words say of the run's folder."""
    parser = cli.Parser("launch_training.py", add_help=False)
    parser.add_argument("--logdir", default=TrainConfig.logdir)
    parser.add_argument("--run-name")
    parser.add_argument("--resume", type=Path)
    return parser.parse_known_args(words)[0]


def _name(together: bool) -> str:
    """Name a run that nobody named."""
    if job := os.environ.get("SLURM_JOB_ID"):
        return f"slurm_{job}"
    if together:
        raise UserError("say --run-name NAME after the --: the machines must agree on it")
    return run_folder.name(datetime.now(), 1)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
