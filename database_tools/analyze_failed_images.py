r"""Say what is wrong with the pictures that a run could not read.

    python analyze_failed_images.py crop_detections_ledger.json --images-dir /path/to/images

Takes a ledger, a log of the original tools, a JSON list or a text with a name on each line.  Prints
how many pictures are good, nonexistant, non_image, truncated and bad, and which.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from pprint import pprint

from database_tools import cli
from database_tools.core.errors import UserError

_LATER = "Azure is not asked yet"


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("analyze_failed_images.py", __doc__)
    add = parser.add_argument
    add("failed_images", metavar="URL_OR_PATH", help="list of pictures; .json in its name: JSON")
    add("-k", "--json-keys", nargs="+", default=(), metavar="KEY", help="of the lists to read")
    add("-a", "--account", help=f"refused: {_LATER}")
    add("-c", "--container", help=f"refused: {_LATER}")
    add("-s", "--sas-token", help=f"refused: {_LATER}")
    add = parser.add_argument_group("additions").add_argument
    add("-i", "--images-dir", default=".", help="folder of the pictures (default: this one)")
    add("--threads", type=int, default=os.cpu_count() or 1, help="pictures at a time")
    return parser


def _run(args: argparse.Namespace) -> None:
    for flag in ("account", "container", "sas_token"):
        if getattr(args, flag):
            raise UserError(f"--{flag.replace('_', '-')}: {_LATER}; say --images-dir FOLDER")
    if "://" in args.failed_images:
        raise UserError(f"an address instead of a file: {_LATER}; download the list")
    if args.threads < 1:
        raise UserError(f"--threads must be at least 1, got {args.threads}")
    from database_tools import stores
    from database_tools.formats import failed_list
    from database_tools.stores import conditions

    names = failed_list.read(Path(args.failed_images), args.json_keys)
    found: defaultdict[str, list[str]] = defaultdict(list)
    store = stores.open_store(args.images_dir)
    looked = conditions.of_all(store, names, args.threads)
    for name, condition in cli.progress(looked, len(names), "looking"):
        found[condition].append(name)
    for condition in conditions.ALL:
        print(f"{condition}: {len(found[condition])}")
        pprint(found[condition])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return cli.run(build_parser(), _run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
