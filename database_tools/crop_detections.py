r"""Cut pictures at the boxes of a detection file.

    python crop_detections.py \
        detections.json \
        /path/to/crops \
        --images-dir /path/to/images \
        --container-url "https://account.blob.core.windows.net/container?sas_token" \
        --detector-version "4.1" \
        --threshold 0.8 \
        --save-full-images --square-crops \
        --threads 50 \
        --logdir "."

Crops are called as their picture, box and detector: a/b.jpg___crop00_mdv4.1.jpg.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.cli import crop_flags, places
from database_tools.core import flags
from database_tools.remote import arguments


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("crop_detections.py", __doc__)
    add = parser.add_argument
    add("detections_json", type=Path, help="of MegaDetector (1.0 to 1.6) or SpeciesNet")
    add("cropped_images_dir", type=arguments.output, help="folder of the crops")
    add(
        "-c",
        "--container-url",
        metavar="URL",
        help="of the Azure container of pictures that are not below --images-dir, with its SAS",
    )
    add("-v", "--detector-version", help="e.g. 4.1 (default: as the file's info.detector says)")
    add("--logdir", type=Path, default=Path(), help="folder of the log (default: this one)")
    flags.declare(parser, crop_flags.CropFlags)
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools import stores
    from database_tools.crops import of_detections, report

    store = stores.open_store(args.container_url) if args.container_url else None
    config = crop_flags.config(args, store)
    version, show = args.detector_version, crop_flags.show
    outcome = of_detections.cut(args.detections_json, version, config, show)
    where = {"ledger_in": config.folder, "log_in": args.logdir}
    report.write(outcome, args.images_dir, strict=args.strict, **where)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
