r"""Learn a classifier on embeddings, in seconds: the last layer of a network, as a model bundle.

    python train_head.py $BASE_LOGDIR /path/to/crops --logdir $BASE_LOGDIR

    python train_head.py --labels answers.csv --embeddings embeddings --logdir logs

embed_crops.py comes before.  All labels weigh the same, as with --label-weighted of
train_classifier.py; how much the crops may say against a plain answer is chosen by folds of
locations within train.  An expert's answers (path,label,decision,location) need no splits.
"""

from __future__ import annotations

from database_tools import cli
from tf_classification.heads.request import HeadRequest


def _run(asked: HeadRequest) -> None:
    from tf_classification.heads import course  # slow imports wait until the flags are good

    prepared = course.prepare(asked)
    from tf_classification.heads import training  # and TensorFlow until what they name is

    training.run(asked, prepared, cli.progress)


main = cli.of_request("train_head.py", __doc__, HeadRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
