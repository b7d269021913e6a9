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
import logging
from collections.abc import Sequence
from pathlib import Path

from database_tools import cli
from database_tools.cli import crop_flags, places
from database_tools.remote import arguments

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("crop_detections.py", __doc__)
    add = parser.add_argument
    add("detections_json", type=Path, help="of MegaDetector (1.0 to 1.6) or SpeciesNet")
    add("cropped_images_dir", type=arguments.output, help="folder of the crops")
    add(
        "-c",
        "--container-url",
        help="Azure container of pictures that are not below --images-dir; it is not read yet: "
        "they are missing",
    )
    add("-v", "--detector-version", help="e.g. 4.1 (default: as the file's info.detector says)")
    add("--logdir", type=Path, default=Path(), help="folder of the log (default: this one)")
    crop_flags.declare(parser)
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.core import reasons
    from database_tools.crops import of_detections, report

    config = crop_flags.config(args)
    version, show = args.detector_version, crop_flags.show
    ledger, new = of_detections.cut(args.detections_json, version, config, show)
    missing = len(ledger.dropped.get(reasons.MISSING, ()))
    if args.container_url and missing:
        message = "WARNING: %d pictures are not below %s; --container-url is not read yet"
        log.warning(message, missing, config.images)
    where = {"ledger_in": config.folder, "log_in": args.logdir}
    report.write(ledger, new, config.images, strict=args.strict, **where)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return cli.run(build_parser(), _run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
