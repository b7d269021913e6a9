r"""Check a label specification, and query the label database for its images.

    python json_validator.py \
        $BASE_LOGDIR/label_spec.json \
        /path/to/camera_trap_taxonomy_mapping.csv \
        --output-dir $BASE_LOGDIR \
        --json-indent 1 \
        --mislabeled-images /path/to/megadb_mislabeled
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.core.errors import UserError
from database_tools.labels_db.query_config import DATABASE, DROP, KEEP, SINGLE, QueryConfig
from database_tools.remote import arguments


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("json_validator.py", __doc__)
    add = parser.add_argument
    add("label_spec_json", type=Path, help="path to JSON file of the label specification")
    add("taxonomy_csv", type=Path, help="path to taxonomy CSV file")
    add(
        "--allow-multilabel",
        action="store_true",
        help="let labels share dataset labels, so that an image may have several",
    )
    add(
        "--single-parent-taxonomy",
        action="store_true",
        help="a taxon that the CSV gives two parents is an error",
    )
    add(
        "-c",
        "--check-blob-exists",
        nargs="?",
        const=True,
        metavar="LOCAL_DIR",
        help="leave out images that are neither there, as LOCAL_DIR/<dataset>/<file>, nor in the "
        "container where the label database says that those of their dataset lie",
    )
    add("--min-locs", type=int, metavar="N", help="leave out labels of fewer locations")
    add("-o", "--output-dir", type=arguments.output, help="to write to (default: only print)")
    add("--json-indent", type=int, help="indent of queried_images.json (default: on one line)")
    add(
        "--seed",
        type=int,
        default=QueryConfig.seed,
        help="of the choice by max_count (default: %(default)s)",
    )
    add(
        "-m",
        "--mislabeled-images",
        type=Path,
        metavar="DIR",
        help="folder of <dataset>.csv, the images that are known to be mislabeled",
    )
    _declare_additions(parser)
    return parser


def _declare_additions(parser: cli.Parser) -> None:
    add = parser.add_argument_group("additions").add_argument
    add("--db", type=Path, help=f"label database (default: ${DATABASE}, else MegaDB)")
    add(
        "--taxonomy_parents",
        type=Path,
        help="CSV of child and parent, for taxa of which the taxonomy has several parents",
    )
    add(
        "--multiple_labels",
        choices=(DROP, KEEP),
        default=QueryConfig.multiple_labels,
        help="images of several classes (default: %(default)s)",
    )
    add(
        "--sequence_labels",
        choices=(KEEP, DROP, SINGLE),
        default=QueryConfig.sequence_labels,
        help="images that only their sequence has a class for; single: keep those of sequences "
        "of one image (default: %(default)s)",
    )

    add(
        "--explain",
        nargs="?",
        const=True,
        metavar="JSON",
        help="print what each label is made of and what is doubtful, and query nothing",
    )
    add("--strict", action="store_true", help="with --explain: warnings too end with status 2")


def _run(args: argparse.Namespace) -> None:
    table, strict = args.explain, args.strict
    del args.explain, args.strict
    if strict and table is None:
        raise UserError("--strict needs --explain")
    if isinstance(args.check_blob_exists, str):  # not the flag alone
        args.check_blob_exists = Path(args.check_blob_exists)
    config = QueryConfig(**vars(args))
    if table is None:
        from database_tools.labels_db import queries

        queries.run(config)
    else:
        from database_tools.labels_db import explanation

        explanation.run(config, None if table is True else Path(table), strict=strict)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
