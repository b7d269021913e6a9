"""What a head is learnt from and judged by: a dataset with its embeddings, checked.

It needs no TensorFlow: what does not fit together is said at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from database_tools.core import taxa
from tf_classification.data.examples import Dataset
from tf_classification.embeddings import index
from tf_classification.embeddings.index import Embeddings
from tf_classification.heads import lessons
from tf_classification.heads.request import LabelledCrops
from tf_classification.runs import dataset as run_dataset
from tf_classification.runs.config import TrainConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Course:
    """What a run learns from.

    Attributes:
        config: with what the dataset says.
        dataset: of crops.
        found: their embeddings.
        rows: split to the rows of its crops among the embeddings, -1 for a broken one.
    """

    config: TrainConfig
    dataset: Dataset
    found: Embeddings
    rows: Mapping[str, np.ndarray]


def prepare(asked: LabelledCrops, *, training: bool = True) -> Course:
    """Read what the command is asked about.

    Args:
        asked: the request.
        training: whether each label must have crops in train.

    Raises:
        UserError: if dataset, labels and embeddings do not fit together.
    """
    found = index.open(asked.folder)
    facts, config = found.facts, asked.config().absolute()
    source = asked.labels or asked.tfrecords or asked.dataset_dir or Path()
    if asked.labels is not None:
        dataset = lessons.answered(asked.labels, found)
    else:
        dataset = run_dataset.load(config, training=training)
    if summary := dataset.ledger.summary():
        log.info("%s", summary)
    rows = {split: lessons.rows(found, part, source) for split, part in dataset.splits.items()}
    if training:
        train = dataset.splits["train"]
        counts = np.bincount(train.labels[rows["train"] >= 0], minlength=dataset.num_labels)
        lessons.check(dataset, counts, source)
    recipe = dataset.crop_recipe or facts.crop_recipe
    config = replace(
        config,
        model_name=facts.network,
        image_size=facts.image_size,
        conv_padding=facts.conv_padding,
        labels=dataset.label_names,
        dataset_sha256=run_dataset.sha256(config, dataset),
        crop_recipe=None if recipe is None else recipe.as_json(),
        taxonomy=None if dataset.taxonomy is None else taxa.as_json(dataset.taxonomy),
    )
    return Course(config, dataset, found, rows)
