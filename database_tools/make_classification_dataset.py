r"""Detect animals, crop them and make a classification dataset of the crops.

    python make_classification_dataset.py \
        /path/to/dataset.json \
        /path/to/image/root/ \
        /path/to/frozen/detection/graph.pb \
        --coco_style_output /path/to/cocostyle/output/ \
        --tfrecords_output /path/to/tfrecords/output/ \
        --location_key location \
        --exclude_categories human empty
"""

from __future__ import annotations

from database_tools import cli
from database_tools.core import flags
from database_tools.datasets.build_config import BuildConfig


def _run(config: BuildConfig) -> None:
    from database_tools.datasets import classification_dataset

    classification_dataset.build(config, lambda items, what: cli.progress(items, desc=what))


main = cli.of_request(
    "make_classification_dataset.py", __doc__, BuildConfig, _run, flags.underscored
)

if __name__ == "__main__":
    raise SystemExit(main())
