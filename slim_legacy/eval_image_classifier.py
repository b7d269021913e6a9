r"""Evaluate a checkpoint on TFRecords: top-1 and top-5 accuracy.

    python eval_image_classifier.py --checkpoint_path=log/all --eval_dir=log/all \
        --dataset_dir=/path/to/tfrecords/output --dataset_name=auto --dataset_split_name=test \
        --model_name=inception_v4

Prints eval/Accuracy[...] and eval/Recall_5[...]; every record counts once.
"""

from __future__ import annotations

from database_tools import cli
from slim_legacy.training import flags, request
from slim_legacy.training.options import EvalOptions


def _run(options: EvalOptions) -> None:
    dataset = request.dataset(options, options.dataset_split_name)

    from slim_legacy.training import evaluation  # slow imports wait until the flags are good

    accuracy = evaluation.evaluate(options, dataset)
    print(f"eval/Accuracy[{accuracy.top1:.9g}]")
    print(f"eval/Recall_5[{accuracy.top5:.9g}]")


main = cli.of_request("eval_image_classifier.py", __doc__, EvalOptions, _run, flags.declare)

if __name__ == "__main__":
    raise SystemExit(main())
