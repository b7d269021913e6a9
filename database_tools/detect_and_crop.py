r"""Cut queried pictures at boxes that people drew, else at those that a detector found.

    python detect_and_crop.py \
        $BASE_LOGDIR/queried_images.json \
        $BASE_LOGDIR \
        --detector-output-cache-dir /path/to/classifier-training/mdcache --detector-version 4.1 \
        --cropped-images-dir /path/to/crops --square-crops --threshold 0.9 \
        --save-full-images --images-dir /path/to/images --threads 50

Detections come from the cache, where cache_batchapi_outputs.py puts them.  Pictures are
<images-dir>/<dataset>/<file>; crops are called as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from database_tools import cli
from database_tools.cli import crop_flags, places
from database_tools.core.errors import UserError
from database_tools.remote import arguments

_LATER = "the Batch Detection API and Azure are not asked yet"


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
    add("-d", "--run-detector", action="store_true", help=f"refused: {_LATER}")
    add("-r", "--resume-file", type=Path, help=f"refused: {_LATER}")
    add("--container-url", help=f"refused: {_LATER}")
    add("-p", "--cropped-images-dir", type=arguments.output, help="folder of the crops")
    crop_flags.declare(parser)
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    for flag in ("run_detector", "resume_file", "container_url"):
        if getattr(args, flag):
            advice = "detect with run_tf_detector_batch.py and cache_batchapi_outputs.py"
            raise UserError(f"--{flag.replace('_', '-')}: {_LATER}; {advice}")
    if args.cropped_images_dir is None:
        raise UserError("nothing to do: say --cropped-images-dir")
    from database_tools.core import detector_version
    from database_tools.crops import of_queried, report

    config = crop_flags.config(args)
    version = detector_version.choose(args.detector_version, None, "detect_and_crop")
    places = args.queried_images_json, args.detector_output_cache_dir
    ledger, new = of_queried.cut(*places, version, config, crop_flags.show)
    where = {"ledger_in": args.output_dir, "log_in": args.output_dir}
    report.write(ledger, new, config.images, strict=args.strict, **where)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return cli.run(build_parser(), _run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
