r"""Say whether a detector is good enough for your cameras, and at which threshold.

    python evaluate_detector.py detections.json labels.json --empty_labels empty \
        --person_labels human

Labels of whole pictures are enough.  Writes a page, tables and a ledger.
"""

from __future__ import annotations

from database_tools import cli
from database_tools.core import flags
from database_tools.evaluation.evaluation_request import EvaluationRequest


def _run(request: EvaluationRequest) -> None:
    from database_tools.evaluation import detector_evaluation

    detector_evaluation.run(request)


main = cli.of_request("evaluate_detector.py", __doc__, EvaluationRequest, _run, flags.underscored)

if __name__ == "__main__":
    raise SystemExit(main())
