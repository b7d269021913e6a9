r"""Train or fine-tune a network on TFRecords, with TF-slim's flags and checkpoints.

    python train_image_classifier.py --train_dir=log/all --dataset_dir=/path/to/tfrecords/output \
        --dataset_name=auto --model_name=inception_v4 --checkpoint_path=inception_v4.ckpt \
        --checkpoint_exclude_scopes=InceptionV4/AuxLogits,InceptionV4/Logits \
        --max_number_of_steps=300000 --learning_rate=0.0045

The same command again goes on from the last checkpoint in train_dir.
"""

from __future__ import annotations

from database_tools import cli
from slim_legacy.training import flags, request
from slim_legacy.training.options import TrainOptions


def _run(options: TrainOptions) -> None:
    dataset = request.dataset(options, options.dataset_split_name)

    from slim_legacy.training import loop  # slow imports wait until the flags are good

    loop.train(options, dataset)


main = cli.of_request("train_image_classifier.py", __doc__, TrainOptions, _run, flags.declare)

if __name__ == "__main__":
    raise SystemExit(main())
