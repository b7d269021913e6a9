"""MNIST: handwritten digits.

Public: https://yann.lecun.com/exdb/mnist
Its grey pictures are read as RGB, so that every network takes them.

``--dataset_name=mnist`` reads the shards ``SPLIT-*`` in ``--dataset_dir``. The sizes
set when the learning rate falls; records that disagree with them are said aloud.

Labels are numbers from 0; classes without a picture keep theirs, so ``_NUM_CLASSES``
counts them. ``labels.txt`` beside the records may name them.

``wellington.py`` tells how to add a dataset of your own.
"""

from __future__ import annotations

from slim_legacy.datasets import descriptor

# The README tells people to edit lines 20 and 22, and nothing else.
SPLITS_TO_SIZES = {"train": 60000, "test": 10000}

_NUM_CLASSES = 10

get_split = descriptor.splits(SPLITS_TO_SIZES, _NUM_CLASSES)
