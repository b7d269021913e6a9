r"""Make a classification dataset of crops, and split it by location.

    python create_classification_dataset.py $BASE_LOGDIR \
        --mode csv splits \
        --queried-images-json $BASE_LOGDIR/queried_images.json \
        --cropped-images-dir /path/to/crops \
        --detector-output-cache-dir /path/to/mdcache --detector-version 4.1 \
        --threshold 0.9 --min-locs 20 \
        --val-frac 0.2 --test-frac 0.2 --method random
"""

from __future__ import annotations

from database_tools import cli
from database_tools.datasets.training_config import TrainingConfig


def _run(config: TrainingConfig) -> None:
    from database_tools.datasets import training_dataset

    training_dataset.make(config)


main = cli.of_request("create_classification_dataset.py", __doc__, TrainingConfig, _run)

if __name__ == "__main__":
    raise SystemExit(main())
