"""Flowers: photographs of five kinds.

Public: http://download.tensorflow.org/example_images/flower_photos.tgz
Records as TF-slim's converter writes them; the splits are train and validation.

``--dataset_name=flowers`` reads the shards ``SPLIT-*`` in ``--dataset_dir``. The sizes
set when the learning rate falls; records that disagree with them are said aloud.

Labels are numbers from 0; classes without a picture keep theirs, so ``_NUM_CLASSES``
counts them. ``labels.txt`` beside the records may name them.

``wellington.py`` tells how to add a dataset of your own.
"""

from __future__ import annotations

from slim_legacy.datasets import descriptor

# The README tells people to edit lines 20 and 22, and nothing else.
SPLITS_TO_SIZES = {"train": 3320, "validation": 350}

_NUM_CLASSES = 5

get_split = descriptor.splits(SPLITS_TO_SIZES, _NUM_CLASSES)
