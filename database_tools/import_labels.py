r"""Import what people said about the pictures of a dataset into the label database.

    python import_labels.py labels.db idfg.json --dataset idfg \
        --container-url https://account.blob.core.windows.net/idfg --sas-env IDFG_SAS

SOURCE is COCO Camera Traps JSON, MegaDB's sequences as JSON, a .csv, or a Camtrap DP package
(folder or zip).  Importing a dataset again replaces what the database has of it.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
from pathlib import Path

from database_tools import cli

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("import_labels.py", __doc__)
    add = parser.add_argument
    add("database", type=Path, help="SQLite file of the label database; made if need be")
    add(
        "source",
        type=Path,
        nargs="?",
        help="file or folder with the labels (default: MegaDB, as COSMOS_ENDPOINT and COSMOS_KEY "
        "say)",
    )
    add("--dataset", required=True, metavar="NAME", help="name of the dataset, without slashes")
    place = parser.add_argument_group("where the pictures lie").add_argument
    place("--container-url", metavar="URL", help="of the blobs' container, without its SAS")
    place("--path-prefix", default="", metavar="P", help="goes before every file's name")
    place(
        "--sas-env",
        metavar="NAME",
        help="environment variable that holds the SAS; the database keeps its name only",
    )
    names = parser.add_argument_group("names of columns, or of JSON's keys").add_argument
    names("--location_key", default="location", help="of the location (default: %(default)s)")
    names("--file-column", default="file", help="of a CSV (default: %(default)s)")
    names("--label-column", default="label", help="of a CSV (default: %(default)s)")
    names("--sequence-column", default="sequence", help="of a CSV (default: %(default)s)")
    names("--datetime-column", default="datetime", help="of a CSV (default: %(default)s)")
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.formats import ledger_json
    from database_tools.formats.labels_csv import Columns
    from database_tools.labels_db import importing, megadb
    from database_tools.labels_db.importing import Place
    from database_tools.labels_db.sources import Source, check_columns

    columns = Columns(
        args.file_column,
        args.label_column,
        args.location_key,
        args.sequence_column,
        args.datetime_column,
    )
    place = Place(args.dataset, args.container_url, args.path_prefix, args.sas_env)
    with contextlib.ExitStack() as stack:
        if args.source is None:
            check_columns(columns, megadb.NAME)
            source = stack.enter_context(megadb.opened())
            place, entries = source.place(place), source.entries(args.dataset)
        else:
            entries = Source(args.source, args.dataset, columns).entries()
        entries = cli.progress(entries, desc="reading")
        found = importing.run(args.database, place, entries, args.source or megadb.NAME)
    path = ledger_json.write(args.database.parent, found.ledger)
    none = found.pictures - found.one_class - found.several_classes
    log.info(
        "%s pictures of %s: %s of one class, %s of several, %s without",
        *(f"{found.pictures:,}", args.dataset),
        *(f"{n:,}" for n in (found.one_class, found.several_classes, none)),
    )
    if beside := found.ledger.summary_beside():
        log.warning("WARNING: %s. See %s", beside, path)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
