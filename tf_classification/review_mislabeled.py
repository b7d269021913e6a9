r"""Pages to decide by keyboard which pictures are mislabeled, from lists of candidates.

    python review_mislabeled.py $BASE_LOGDIR /path/to/crops review \
        $BASE_LOGDIR/$LOGDIR/mislabeled_candidates_test_caltech.txt \
        --images-dir /path/to/images \
        --detector-output-cache-dir /path/to/classifier-training/mdcache --detector-version 4.1 \
        --label-spec $BASE_LOGDIR/label_spec.json \
        --taxonomy-csv /path/to/camera_trap_taxonomy_mapping.csv --db labels.db
    python review_mislabeled.py $BASE_LOGDIR /path/to/crops review candidates.csv

The CSV that the pages export is for save_mislabeled.py.  They need no server: open index.html.
"""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from database_tools import cli
from database_tools.core.errors import UserError
from database_tools.labels_db.query_config import DATABASE, QueryConfig

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("review_mislabeled.py", __doc__)
    add = parser.add_argument
    add("dataset_dir", type=Path, help="folder of classification_ds.csv")
    add("cropped_images_dir", type=Path, help="folder of its crops")
    add("output_dir", type=Path, help="folder to write the pages to")
    text = "candidates.csv of find_mislabeled.py, or lists of identify_mislabeled_candidates.py"
    add("candidates", type=Path, nargs="+", help=text)
    add("-n", "--number", type=int, help="at most so many pictures, the likeliest (default: all)")
    add("--workers", type=int, default=os.cpu_count() or 1, help="threads (default: cores)")
    add("--show_people", action="store_true", help="show what is perhaps people, and cover none")
    whole = parser.add_argument_group("to show whole pictures, people covered").add_argument
    whole("-i", "--images-dir", type=Path, help="folder of whole pictures, <dataset>/<file>")
    whole("-j", "--detections-json", type=Path, help="detections of them, by these names; or")
    whole(
        "-c", "--detector-output-cache-dir", type=Path, help="folder of v<version>/<dataset>.json"
    )
    whole("-v", "--detector-version", help="of the detector, e.g. 4.1")
    whole("-q", "--queried-images-json", type=Path, help="boxes that people drew, if there are any")
    classes = parser.add_argument_group("to offer every class, and show bursts").add_argument
    classes("--label-spec", type=Path, help="JSON of the label specification")
    classes("--taxonomy-csv", type=Path, help="taxonomy of it")
    classes("--db", type=Path, help=f"label database (default: ${DATABASE}, or MegaDB)")
    return parser


def _run(args: argparse.Namespace) -> None:
    from tf_classification.review import reviewing, wholes

    boxes = (
        args.detections_json,
        args.detector_output_cache_dir,
        args.detector_version,
        args.queried_images_json,
    )
    if args.images_dir is None and any(boxes):
        raise UserError("boxes are drawn in whole pictures: say --images-dir too")
    if (args.label_spec is None) != (args.taxonomy_csv is None):
        raise UserError("--label-spec and --taxonomy-csv go together")
    if args.db is not None and args.label_spec is None:
        raise UserError("--db needs --label-spec and --taxonomy-csv")
    spec = args.label_spec
    asked = reviewing.ReviewRequest(
        args.dataset_dir,
        args.cropped_images_dir,
        args.output_dir,
        args.candidates,
        wholes.Source(args.images_dir, *boxes) if args.images_dir else None,
        QueryConfig(spec, args.taxonomy_csv, db=args.db) if spec else None,
        args.number,
        args.show_people,
        args.workers,
    )
    number = reviewing.run(asked, cli.progress)
    log.info("%s pictures to decide in %s", f"{number:,}", args.output_dir / "index.html")


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
