r"""Keep what a detector found in a dataset, for detect_and_crop and create_classification_dataset.

    python cache_batchapi_outputs.py \
        $BASE_LOGDIR/detections.json \
        --format detections \
        --dataset name_of_dataset \
        --detector-output-cache-dir "/path/to/classifier-training/mdcache" --detector-version "4.1"

The file is added to <cache>/v<version>/<dataset>.json; of a picture that is there already, the new
result counts.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from database_tools import cli

_FORMATS = ("response", "detections")


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("cache_batchapi_outputs.py", __doc__)
    add = parser.add_argument
    add(
        "json_file",
        type=Path,
        help="MegaDetector's batch output (1.0 to 1.6) or SpeciesNet's predictions",
    )
    add(
        "-f",
        "--format",
        choices=_FORMATS,
        help="what the file is (default: its keys tell); of a response of the Batch Detection API, "
        "the detections that it names are downloaded",
    )
    add("-d", "--dataset", required=True, help="name of the dataset, without slashes")
    add("-c", "--detector-output-cache-dir", type=Path, required=True, help="folder of the cache")
    add("-v", "--detector-version", help="e.g. 4.1 (default: as the file's info.detector says)")
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.core.errors import FormatError
    from database_tools.detections import batch_tasks, cache
    from database_tools.formats import detection_json, task_answer

    path: Path = args.json_file
    kind = detection_json.kind(path)
    if args.format is not None and (args.format == "response") != (kind == detection_json.RESPONSE):
        raise FormatError(path, "", f"--format {args.format}, but it is a file of {kind}")
    with tempfile.TemporaryDirectory() as folder:
        if kind == detection_json.RESPONSE:
            answer, path = task_answer.read(path), Path(folder) / "detections.json"
            batch_tasks.download(answer, path)
        cache.add(path, args.detector_output_cache_dir, args.dataset, args.detector_version)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
