r"""Propose a label specification: as many labels as the images of a label database allow.

    python megaclassifier_label_spec.py /path/to/camera_trap_taxonomy_mapping.csv $BASE_LOGDIR \
        --db labels.db --min-images 2000

A taxon of too few images is joined with its neighbours below the same parent.  The tree is printed;
label_spec.json and the tree as text and SVG are in the folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.core import limits
from database_tools.labels_db.query_config import DATABASE
from database_tools.remote import arguments

_LEAST, _TOTAL = 2000, 1_400_000


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("megaclassifier_label_spec.py", __doc__)
    add = parser.add_argument
    add("taxonomy_csv", type=Path, help="path to taxonomy CSV file")
    add("output_dir", type=arguments.output, help="folder to write to")
    add("--db", type=Path, help=f"label database (default: ${DATABASE}, else MegaDB)")
    add("--taxonomy_parents", type=Path, help="CSV of child and parent, as for json_validator.py")
    add(
        "--min-images",
        type=int,
        default=_LEAST,
        metavar="N",
        help="images that are enough for a label (default: %(default)s)",
    )
    add(
        "--total-images",
        type=int,
        default=_TOTAL,
        metavar="N",
        help="images wanted in all: max_count is three even shares of it (default: %(default)s)",
    )
    return parser


def _run(args: argparse.Namespace) -> None:
    limits.check(args, "at least 1", "--min-images", "--total-images")
    from database_tools.datasets import proposed_spec
    from database_tools.formats import taxonomy_csv
    from database_tools.labels_db import asked

    tree = taxonomy_csv.read(args.taxonomy_csv, args.taxonomy_parents)
    with asked.opened(args.db) as labels:
        counts = args.min_images, args.total_images
        print(proposed_spec.make(tree, labels, args.output_dir, *counts), end="")


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
