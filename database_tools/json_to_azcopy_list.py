r"""List the queried pictures that are to be downloaded, a text file for each dataset.

    python json_to_azcopy_list.py $BASE_LOGDIR/queried_images.json $BASE_LOGDIR \
        --images-dir /path/to/images

AzCopy takes such a file with --list-of-files.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli
from database_tools.remote import arguments

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("json_to_azcopy_list.py", __doc__)
    add = parser.add_argument
    add("queried_images_json", type=Path, help="JSON of the queried images")
    add("output_dir", type=arguments.output, help="folder of the lists, <dataset>_images.txt")
    add(
        "--images-dir",
        type=arguments.folder,
        help="folder of pictures, <dataset>/<file>: those that are there are not listed",
    )
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.core.errors import UserError
    from database_tools.durable.listing import Folders
    from database_tools.formats import azcopy_list, queried_images

    folder: Path | None = args.images_dir
    if folder is not None and not folder.is_dir():
        raise UserError(f"--images-dir {folder}: no such folder")
    there = Folders(folder) if folder is not None else frozenset[str]()
    images = queried_images.read(args.queried_images_json)
    pictures = ((i.dataset, i.file, i.name not in there) for i in images)
    counts, lost = azcopy_list.write(args.output_dir, pictures)
    for dataset, number in sorted(counts.items()):
        log.info("%s: %d pictures to download", dataset, number)
    if lost:
        log.warning("WARNING: %d names have a line break and are not listed: %s", len(lost), lost)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
