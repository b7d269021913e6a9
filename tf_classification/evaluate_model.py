r"""Evaluate a trained classifier, and export it as a model bundle.

    python evaluate_model.py \
        $BASE_LOGDIR/$LOGDIR/params.json \
        $BASE_LOGDIR/$LOGDIR/ckpt_XX.weights.h5 \
        --output-dir $BASE_LOGDIR/$LOGDIR \
        --splits train val test \
        --batch-size 256

Without --splits the checkpoint is only exported.  The flags of the second group replace what
params.json says.
"""

from __future__ import annotations

from database_tools import cli
from tf_classification.evaluation.request import EvaluationRequest


def _run(asked: EvaluationRequest) -> None:
    asked.config()  # a broken params.json shows before the slow import

    from tf_classification.evaluation import standalone

    standalone.run(asked, cli.progress)


main = cli.of_request("evaluate_model.py", __doc__, EvaluationRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
