r"""Bring listed pictures into a folder.

    python download_images.py txt \
        $BASE_LOGDIR/$LOGDIR/mislabeled_candidates_{split}_{dataset}.txt \
        /save/images/to/here \
        --threads 50 --check-existing-dir /path/to/images

txt: <dataset>/<file> on each line; json: a list of entries with "dataset", "file" and the name to
save under.  Pictures come from --check-existing-dir, as hard links where the disk can, else from
the container where the label database says that those of the dataset lie.
"""

from __future__ import annotations

import argparse
import functools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from database_tools import cli
from database_tools.cli import crop_flags, places
from database_tools.core import limits
from database_tools.remote import arguments

if TYPE_CHECKING:
    from database_tools.labels_db.containers import Containers
    from database_tools.stores.downloads import Wish

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("download_images.py", __doc__)
    add = parser.add_argument
    add("file_list_format", choices=("json", "txt"), help="what the list is")
    add("file_list", type=Path, help="list of pictures")
    add("store_dir", type=arguments.output, help="folder that they are saved in")
    add("-s", "--save-key", default="download_id", help="json: entry's name to save under")
    add("-k", "--key", help="json: member of the object that is the list")
    add("--only-new-images", action="store_true", help="json: entries with new_entry only")
    add("-t", "--threads", type=int, default=1, help="pictures at a time")
    add(
        "--check-existing-dir",
        metavar="DIR",
        help="folder of pictures, <dataset>/<file>, that are taken from there",
    )
    crop_flags.declare_db(parser)
    add = parser.add_argument_group("additions").add_argument
    add("--strict", action="store_true", help="end with status 2 if a picture could not be had")
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    limits.check(args, "at least 1", "--threads")
    from database_tools import stores
    from database_tools.core.errors import UserError
    from database_tools.core.ledger import NEARLY_ALL
    from database_tools.formats import ledger_json
    from database_tools.labels_db import containers
    from database_tools.stores import downloads
    from database_tools.stores.layered import Layered

    existing, of_datasets = args.check_existing_dir, containers.of(args.db)
    folder = None if existing is None else stores.open_store(existing)
    places = [store for store in (folder, of_datasets) if store is not None]
    store = Layered(*places) if places else None
    wishes, show = _wishes(args, of_datasets), functools.partial(cli.progress, desc="downloading")
    ledger, new = downloads.fetch_all(wishes, store, args.store_dir, args.threads, show)
    path = ledger_json.write(args.store_dir, ledger)
    log.info("%d pictures, %d of them new", ledger.kept, new)
    if summary := ledger.summary():
        log.info("%s. See %s", summary, path)
    lost = ledger.number_dropped
    if lost and (args.strict or lost >= NEARLY_ALL * ledger.total):
        hint = "" if places else "; say --check-existing-dir FOLDER that has them, or --db FILE"
        raise UserError(f"{lost:,} of {ledger.total:,} pictures are not to be had{hint}")


def _wishes(args: argparse.Namespace, of_datasets: Containers | None) -> Iterator[Wish]:
    from database_tools.formats import download_list
    from database_tools.stores.downloads import Wish

    if args.file_list_format == "txt":
        yield from (Wish(name, name) for name in download_list.read_text(args.file_list))
        return
    name_of = "{}/{}".format if of_datasets is None else of_datasets.name
    pairs = download_list.read_json(
        args.file_list, args.save_key, args.key, name_of, only_new=args.only_new_images
    )
    yield from (Wish(name, target) for name, target in pairs)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
