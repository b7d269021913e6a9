r"""Detect in the pictures of a container with the Batch Detection API.

    python manage_api_submission.py "https://account.blob.core.windows.net/container?sas_token" \
        --request-name my_survey --prefix 2020/ --caller me

The detections are in detections.json, and the ledger beside it says which pictures have none.
What BATCH_DETECTION_API_URL names is asked.  A run that was killed goes on with --task.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli
from database_tools.core.errors import UserError

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("manage_api_submission.py", __doc__)
    add = parser.add_argument
    add("container_sas", nargs="?", help="address of the container, with a SAS to read and list")
    add("--request-name", help="letters, digits, _ and -, at most 92; shown with the task")
    add("--prefix", default="", help="only pictures whose names begin so")
    add("--caller", help="as whom the service knows you (default: $DETECTION_API_CALLER)")
    add = parser.add_argument_group("additions").add_argument
    add("-o", "--output", type=Path, default=Path("detections.json"), help="file to write")
    add("-v", "--detector-version", help="e.g. 4.1 (default: the service's own choice)")
    add("--task", metavar="ID", help="wait for a task that was submitted before")
    add("--cancel", action="store_true", help="cancel --task")
    add("--wait-hours", type=float, default=168.0, help="then stop waiting (default: a week)")
    return parser


def _run(args: argparse.Namespace) -> None:
    if args.cancel and not args.task:
        raise UserError("--cancel needs --task ID")
    if args.container_sas is None and not args.cancel:
        raise UserError("which pictures? Give the address of a container with its SAS")
    from database_tools.detections import batch_tasks
    from database_tools.detections.batch_api import Service
    from database_tools.formats import ledger_json

    service = Service.of_environment(args.caller)
    if args.cancel:
        service.cancel(args.task)
        log.info("task %s is to be canceled", args.task)
        return
    container = batch_tasks.whole_container(args.container_sas)
    if not (names := batch_tasks.detectable(container, args.prefix)):
        raise UserError(f"{container}: no picture whose name begins with {args.prefix!r}")
    log.info("%s pictures", f"{len(names):,}")
    body = {
        "image_path_prefix": args.prefix,
        "request_name": args.request_name,
        "model_version": args.detector_version,
    }
    task = args.task or batch_tasks.submit(service, container, body)
    for _, answer in batch_tasks.ended(service, [task], args.wait_hours):
        batch_tasks.download(answer, args.output)
        total = batch_tasks.Total()
        total.add("", names, batch_tasks.results(args.output, names))
        path = ledger_json.write(args.output.parent, total.ledger())
        log.info("%s: %s pictures", args.output, f"{total.ledger().kept:,}")
        if summary := total.ledger().summary():
            log.warning("WARNING: %s. See %s", summary, path)
        return
    raise UserError(f"task {task} has not ended: wait for it with --task {task}")


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
