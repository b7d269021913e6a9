r"""Add the images that were found to be mislabeled in Timelapse to the known ones.

    python save_mislabeled.py /path/to/classifier-training /path/to/mislabeled_images.csv

They are kept in megadb_mislabeled/<dataset>.csv below the first folder; json_validator.py corrects
its images by them, or leaves them out.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli
from database_tools.core.errors import FormatError, UserError

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("save_mislabeled.py", __doc__)
    add = parser.add_argument
    add("container_path", type=Path, help="folder that has, or gets, megadb_mislabeled")
    add("input_csv", type=Path, help="CSV file exported from Timelapse")
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.formats import mislabeled_csv, timelapse_csv

    if not args.container_path.is_dir():
        raise UserError(f"{args.container_path}: no such folder")
    folder = args.container_path / mislabeled_csv.FOLDER
    known: dict[str, dict[str, str]] = {}
    new: dict[str, int] = {}
    contradictions = []
    for dataset, file, correct in timelapse_csv.read(args.input_csv):
        if dataset not in known:
            known[dataset] = dict(mislabeled_csv.read(folder, dataset))
            new[dataset] = 0
        before = known[dataset].get(file)
        if before and correct and before != correct:
            contradictions.append(f"{dataset}/{file} was {before!r} and is {correct!r}")
        new[dataset] += before is None
        # Who does not know what it shows does not contradict one who does.
        known[dataset][file] = correct or before or ""
    if contradictions:
        rule = "; ".join(contradictions)
        raise FormatError(args.input_csv, "", f"{rule}. Nothing was written")
    for dataset, corrections in known.items():
        mislabeled_csv.write(folder, dataset, corrections)
        log.info("%s: %d known, %d of them new", dataset, len(corrections), new[dataset])


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
