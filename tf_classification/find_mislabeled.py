r"""Find labels that are perhaps wrong, by what heads say that saw nothing of a crop's location.

    python find_mislabeled.py $BASE_LOGDIR /path/to/crops --db labels.db --output candidates.csv

embed_crops.py comes before.  The other crops of a burst, and crops that look the same, speak for or
against a label too.  A list of the pictures and a page lie beside the CSV; review_mislabeled.py
makes pages to decide on.
"""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from database_tools import cli
from tf_classification.heads.request import add_places

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("find_mislabeled.py", __doc__)
    add = parser.add_argument
    add_places(parser)
    text = "CSV to write; a .txt and a .html lie beside it (default: %(default)s)"
    add("-o", "--output", type=Path, default=Path("candidates.csv"), metavar="CSV", help=text)
    add("--db", type=Path, help="label database that knows bursts")
    add("--input_json", type=Path, help="COCO Camera Traps that knows them, instead of --db")
    text = "outputs_SPLIT.csv.gz of trained models, instead of heads: of crops that they have not"
    text += " learnt from"
    add("--outputs", type=Path, nargs="+", default=(), metavar="CSV", help=text)
    text = "how sure it must be that a label is wrong, 0 for all (default: %(default)s)"
    add("--least", type=float, default=0.5, help=text)
    add("--workers", type=int, default=os.cpu_count() or 1, help="threads (default: cores)")
    add("--seed", type=int, default=0, help="of every draw (default: %(default)s)")
    return parser


def _run(args: argparse.Namespace) -> None:
    from tf_classification.review import finding  # slow imports wait until the flags are good

    asked = finding.FindRequest(**vars(args))
    number = finding.run(asked, lambda crops, n: cli.progress(crops, n, "comparing"))
    log.info("%s labels are perhaps wrong: %s", f"{number:,}", asked.output)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
