r"""Say whether a detector is good enough for your cameras, and at which threshold.

    python evaluate_detector.py detections.json labels.json --empty_labels empty \
        --person_labels human

Labels of whole pictures are enough.  Writes a page, tables and a ledger.
"""

from __future__ import annotations

import argparse

from database_tools import cli
from database_tools.core import flags
from database_tools.evaluation.evaluation_request import EvaluationRequest


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("evaluate_detector.py", __doc__)
    flags.declare(parser, EvaluationRequest, underscores=True)
    return parser


def _run(args: argparse.Namespace) -> None:
    request = EvaluationRequest(**vars(args))
    from database_tools.evaluation import detector_evaluation

    detector_evaluation.run(request)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
