"""Caltech Camera Traps.

Public: https://lila.science/datasets/caltech-camera-traps
The sizes are those of the original training scripts; a set of your own will differ.

``--dataset_name=cct`` reads the shards ``SPLIT-*`` in ``--dataset_dir``. The sizes
set when the learning rate falls; records that disagree with them are said aloud.

Labels are numbers from 0; classes without a picture keep theirs, so ``_NUM_CLASSES``
counts them. ``labels.txt`` beside the records may name them.

``wellington.py`` tells how to add a dataset of your own.
"""

from __future__ import annotations

from slim_legacy.datasets import descriptor

# The README tells people to edit lines 20 and 22, and nothing else.
SPLITS_TO_SIZES = {"train": 58408, "test": 7181}

_NUM_CLASSES = 22

get_split = descriptor.splits(SPLITS_TO_SIZES, _NUM_CLASSES)
