r"""Look for what leaks from one split of a classification dataset into another.

    python audit_splits.py $BASE_LOGDIR --cropped-images-dir /path/to/crops --db labels.db \
        --page audit.html
    python audit_splits.py $BASE_LOGDIR --cropped-images-dir /path/to/crops --fix splits.json
    python audit_splits.py $BASE_LOGDIR --contains my_picture.jpg

It ends with status 1 if something leaks.  What the pictures look like is kept as
picture_hashes.npz in the dataset's folder, so that --contains needs no picture but yours.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.remote import arguments


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("audit_splits.py", __doc__)
    add = parser.add_argument
    add("dataset_dir", type=Path, help="folder of classification_ds.csv and splits.json")
    add("-c", "--cropped-images-dir", type=arguments.folder, help="of the crops, to compare them")
    add("-i", "--images-dir", type=arguments.folder, help="of whole pictures, <dataset>/<file>")
    add("--db", type=Path, help="label database that knows sequences and times")
    add("--input_json", type=Path, help="COCO Camera Traps that knows them, instead of --db")
    add("--json", type=arguments.output_file, metavar="FILE", help="to write: leaks and labels")
    add("--page", type=arguments.output_file, metavar="FILE", help="to write: pairs side by side")
    add("--workers", type=int, default=os.cpu_count() or 1, help="threads (default: cores)")
    fix = parser.add_argument_group("to mend").add_argument
    fix("--fix", type=arguments.output_file, help="splits.json to write: nothing leaks")
    fix("--may_change_test", action="store_true", help="with --fix: let locations leave test")
    asked = parser.add_argument_group("to ask").add_argument
    asked(
        "--contains",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help="only say whether pictures were in the dataset, and in which split",
    )
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> int:
    from database_tools.datasets import audit, audit_report
    from database_tools.datasets.audit import AuditRequest
    from database_tools.durable import files
    from database_tools.formats import splits_json

    if args.contains is not None:
        others = "cropped_images_dir images_dir db input_json json page fix may_change_test"
        if given := [name for name in others.split() if getattr(args, name)]:
            raise UserError(f"--contains asks what an audit has kept: leave out --{given[0]}")
        for line in audit.answers(args.dataset_dir, args.contains):
            print(line)
        return 0
    limits.check(args, "at least 1", "--workers")
    if args.may_change_test and args.fix is None:
        raise UserError("--may_change_test needs --fix")
    if args.db is not None and args.input_json is not None:
        raise UserError("give --db or --input_json, not both")
    request = AuditRequest(
        args.dataset_dir,
        args.cropped_images_dir,
        args.images_dir,
        args.db,
        args.input_json,
        args.workers,
    )
    found = audit.read(request, lambda items, n: cli.progress(items, n, "hashing"))
    leaks = found.leaks()
    for line in audit_report.lines(found, leaks):
        print(line)
    if args.json is not None:
        files.write_json(args.json, audit_report.as_json(found, leaks))
    if args.page is not None:
        audit_report.write_page(args.page, found, leaks, request)
    if args.fix is not None:
        splits_json.write(args.fix, found.repaired(may_change_test=args.may_change_test))
    return 1 if leaks else 0


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
