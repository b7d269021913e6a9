r"""What will a project cost? Crops, disk, memory and time of every stage, from a sample of it.

    python plan_project.py /path/to/images --detector md_v4.1.0.pb \
        --model-name efficientnet-lite0 --workers 16
    python plan_project.py /path/to/images --detections-json detections.json --model model \
        --number 1000000 --json plan.json

Some pictures go through every stage in a temporary folder, of which nothing is left behind. Let
nothing else keep the machine busy meanwhile: the times are those of this machine as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os

from database_tools import cli
from database_tools.remote import arguments
from tf_classification.planning.request import PlanRequest

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("plan_project.py", __doc__, PlanRequest)
    text = "JSON to write, too"
    parser.add_argument("--json", type=arguments.output_file, metavar="FILE", help=text)
    return parser


def _run(args: argparse.Namespace) -> None:
    options = vars(args)
    path = options.pop("json")
    asked = PlanRequest(**options)
    from database_tools.durable import files
    from tf_classification.planning import planning, report

    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores:
        log.warning("WARNING: this machine is busy (load %.0f): times will be too long", load)
    plan = planning.make(asked)
    if path is not None:
        files.write_json(path, dataclasses.asdict(plan))
    for line in report.lines(plan):
        print(line)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
