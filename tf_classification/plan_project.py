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
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.remote import arguments
from tf_classification.models.table import NETWORKS
from tf_classification.planning.request import PlanRequest

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("plan_project.py", __doc__)
    add = parser.add_argument
    add("images_dir", type=arguments.folder, help="of pictures, looked through with its subfolders")
    add("--detector", type=Path, help="frozen graph, SavedModel folder or ONNX file")
    add("--detections-json", type=Path, help="batch output of a detector, instead")
    text = "the project's pictures and labels, of any kind that import_labels.py reads"
    add("--labels", type=Path, metavar="SOURCE", help=text)
    text = "pictures of the project, which are like these (default: as many as there are)"
    add("--number", type=int, metavar="N", help=text)
    add("--model", type=Path, help="bundle or .tflite to classify with (default: the new head)")
    names = ", ".join(NETWORKS)
    add("-m", "--model-name", metavar="NAME", help=f"network to embed with, to learn: {names}")
    text = "its weights, .keras or .weights.h5 (default: ImageNet's)"
    add("--pretrained", type=Path, metavar="PATH", help=text)
    text = "plan a training of the whole network, too, of so many epochs"
    add("--epochs", type=int, metavar="N", help=text)
    text = "that a classifier learns, where --labels does not say (default: %(default)s)"
    add("--num_labels", type=int, default=PlanRequest.num_labels, metavar="N", help=text)
    text = "pictures to try (default: %(default)s)"
    add("--sample", type=int, default=PlanRequest.sample, metavar="N", help=text)
    least = PlanRequest.threshold
    add("--threshold", type=float, default=least, help="least confidence of a box (%(default)s)")
    text = "plan for so many workers of one core each, too"
    add("--workers", type=int, metavar="N", help=text)
    add("--seed", type=int, default=PlanRequest.seed, help="of the sample (default: %(default)s)")
    add("--json", type=arguments.output_file, metavar="FILE", help="JSON to write, too")
    places.declare(parser)
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


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
