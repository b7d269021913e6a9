r"""A page to say by keyboard what crops are, for train_head.py --labels.

    python suggest_labels.py embeddings to_label.csv --number 40
    python label_crops.py to_label.csv label --embeddings embeddings --label-names deer fox hare

It needs no server: open label/index.html, answer, and export answers.csv.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("label_crops.py", __doc__)
    add = parser.add_argument
    add("to_label", type=Path, help="CSV of crops, by suggest_labels.py")
    add("output_dir", type=Path, help="folder to write the page to")
    add("--embeddings", type=Path, required=True, help="folder of embeddings of the crops")
    text = "labels to offer, the first nine by a digit each; others can be typed"
    add("--label-names", nargs="+", default=(), metavar="LABEL", help=text)
    add("--show_people", action="store_true", help="show what is perhaps people")
    return parser


def _run(args: argparse.Namespace) -> None:
    from tf_classification.review import labelling

    number = labelling.run(labelling.LabelRequest(**vars(args)))
    log.info("%d crops to label in %s", number, args.output_dir / "index.html")


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
