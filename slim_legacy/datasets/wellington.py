"""Wellington Camera Traps, and how to add a dataset of your own.

Copy this file, adjust the two constants on lines 20 and 22, and give the copy's name to
``--dataset_name``. ``cropped_camera_trap_dataset_statistics.py`` prints the numbers: crops
of each split, and all classes, the empty ones included.

``--dataset_dir`` holds shards ``train-*`` and ``test-*`` of tf.train.Examples with
``image/encoded`` and ``image/class/label``. A folder that ``make_classification_dataset.py``
made needs no copy: ``--dataset_name=auto`` reads its ``dataset_info.json``.

The set is public: https://lila.science/datasets/wellingtoncameratraps. The sizes set when
the learning rate falls; records that disagree with them are said aloud.
"""

from __future__ import annotations

from slim_legacy.datasets import descriptor

# The README tells people to edit lines 20 and 22, and nothing else.
SPLITS_TO_SIZES = {"train": 112698, "test": 24734}

_NUM_CLASSES = 17

get_split = descriptor.splits(SPLITS_TO_SIZES, _NUM_CLASSES)
