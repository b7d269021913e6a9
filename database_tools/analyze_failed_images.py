r"""Say what is wrong with the pictures that a run could not read.

    python analyze_failed_images.py crop_detections_ledger.json --images-dir /path/to/images

Takes a ledger, a log of the original tools, a JSON list or a text with a name on each line.  Prints
how many pictures are good, nonexistant, non_image, truncated and bad, and which.  The pictures are
in a folder, or in a container of Azure.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from pprint import pprint
from typing import TYPE_CHECKING
from urllib.parse import unquote

from database_tools import cli
from database_tools.core import limits
from database_tools.core.errors import UserError

if TYPE_CHECKING:
    from database_tools.stores import Store


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("analyze_failed_images.py", __doc__)
    add = parser.add_argument
    add("failed_images", metavar="URL_OR_PATH", help="list of pictures; .json in its name: JSON")
    add("-k", "--json-keys", nargs="+", default=(), metavar="KEY", help="of the lists to read")
    add("-a", "--account", help="of Azure, that has the container")
    add("-c", "--container", help="of the pictures")
    add("-s", "--sas-token", help="of the container, if it wants one")
    add = parser.add_argument_group("additions").add_argument
    add("-i", "--images-dir", default=".", help="folder of the pictures (default: this one)")
    add("--threads", type=int, default=os.cpu_count() or 1, help="pictures at a time")
    return parser


def _run(args: argparse.Namespace) -> None:
    limits.check(args, "at least 1", "--threads")
    from database_tools.formats import failed_list
    from database_tools.stores import conditions

    with _local(args.failed_images) as path:
        names = failed_list.read(path, args.json_keys)
    found: defaultdict[str, list[str]] = defaultdict(list)
    looked = conditions.of_all(_store(args), names, args.threads)
    for name, condition in cli.progress(looked, len(names), "looking"):
        found[condition].append(name)
    for condition in conditions.ALL:
        print(f"{condition}: {len(found[condition])}")
        pprint(found[condition])


@contextlib.contextmanager
def _local(place: str) -> Iterator[Path]:
    """Give the path of a list, which may be a blob's address."""
    from database_tools import stores

    if "://" not in place:
        yield Path(place)
        return
    folder, _, query = place.partition("?")
    folder, _, name = folder.rpartition("/")
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / name
        try:
            stores.open_store(f"{folder}?{query}").fetch(unquote(name), target)
        except stores.Unavailable as error:
            raise UserError(f"{folder}/{name}: {error.reason}") from None
        yield target


def _store(args: argparse.Namespace) -> Store:
    from database_tools import stores
    from database_tools.stores import account

    if not (args.account or args.container or args.sas_token):
        return stores.open_store(args.images_dir)
    if not (args.account and args.container):
        raise UserError("--account and --container belong together, and --sas-token to them")
    sas = (args.sas_token or "").removeprefix("?")
    url = f"{account.url(args.account)}/{args.container}"
    return stores.open_store(f"{url}?{sas}" if sas else url)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
