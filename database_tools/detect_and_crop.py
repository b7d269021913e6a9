r"""Cut queried pictures at boxes that people drew, else at those that a detector found.

    python detect_and_crop.py \
        $BASE_LOGDIR/queried_images.json \
        $BASE_LOGDIR \
        --detector-output-cache-dir /path/to/classifier-training/mdcache --detector-version 4.1 \
        --cropped-images-dir /path/to/crops --square-crops --threshold 0.9 \
        --save-full-images --images-dir /path/to/images --threads 50

Detections come from the cache, where cache_batchapi_outputs.py puts them, and --run-detector
those of the Batch Detection API.  Pictures are <images-dir>/<dataset>/<file>, or in the container
where the label database says that those of the dataset lie; crops are called as they are.
"""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

from database_tools import cli
from database_tools.cli import crop_flags, places
from database_tools.core import flags
from database_tools.core.errors import UserError
from database_tools.remote import arguments

_HOURS = 168.0


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("detect_and_crop.py", __doc__)
    add = parser.add_argument
    add("queried_images_json", type=Path, help="JSON of the queried images")
    add("output_dir", type=Path, help="folder of the ledger and the log")
    add(
        "-c",
        "--detector-output-cache-dir",
        type=Path,
        required=True,
        help="folder of detections, v<version>/<dataset>.json",
    )
    add("-v", "--detector-version", required=True, help="version of the detector, e.g. 4.1")
    add(
        "-d",
        "--run-detector",
        action="store_true",
        help="have pictures that the cache lacks detected by the Batch Detection API",
    )
    add(
        "-r",
        "--resume-file",
        type=Path,
        help="JSON of its tasks, with which a run goes on (default: OUTPUT_DIR/resume.json)",
    )
    add("-p", "--cropped-images-dir", type=arguments.output, help="folder of the crops")
    flags.declare(parser, crop_flags.CropFlags)
    crop_flags.declare_db(parser)
    places.declare(parser)
    add = parser.add_argument_group("additions of --run-detector").add_argument
    add(
        "--wait-hours",
        type=float,
        default=_HOURS,
        help="then tasks that still run are left to the next run (default: %(default)g, a week)",
    )
    return parser


def _run(args: argparse.Namespace) -> None:
    if args.cropped_images_dir is None and not args.run_detector:
        raise UserError("nothing to do: say --run-detector or --cropped-images-dir")
    from database_tools.core import detector_version
    from database_tools.crops import of_queried, report
    from database_tools.labels_db import containers

    is_cropped = args.cropped_images_dir is not None
    config = crop_flags.config(args, containers.of(args.db)) if is_cropped else None
    version = detector_version.choose(args.detector_version, None, "detect_and_crop")
    if args.run_detector:
        _detect(args, version)
    if config is None:
        return
    given = args.queried_images_json, args.detector_output_cache_dir
    outcome = of_queried.cut(*given, version, config, crop_flags.show)
    where = {"ledger_in": args.output_dir, "log_in": args.output_dir}
    report.write(outcome, args.images_dir, strict=args.strict, **where)


def _detect(args: argparse.Namespace, version: str) -> None:
    from database_tools.detections import batch_tasks
    from database_tools.detections.batch_api import Service
    from database_tools.labels_db import asked

    known = functools.cache(lambda: asked.places(args.db))

    def container(dataset: str) -> str:
        if (place := known().get(dataset)) is None:
            raise UserError(f"nobody says where the pictures of {dataset} lie: import its labels")
        return place.signed_url()

    run = batch_tasks.DetectorRun(
        args.queried_images_json,
        args.detector_output_cache_dir,
        version,
        args.output_dir,
        args.resume_file or args.output_dir / "resume.json",
        container,
        args.wait_hours,
    )
    batch_tasks.report(batch_tasks.run(run, Service.of_environment()), args.output_dir)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
