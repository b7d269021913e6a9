"""Evaluation: top-1 and top-5 accuracy of a checkpoint, every record counted once.

The original filled its last batch from the beginning of the records and so counted some twice.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from slim_legacy.datasets.descriptor import Dataset
from slim_legacy.nets import nets_factory
from slim_legacy.training import checkpoints, log, moving_averages, records
from slim_legacy.training.options import EvalOptions

TOP = 5


@dataclass(frozen=True)
class Accuracy:
    """The two numbers, and how many pictures they are of."""

    top1: float
    top5: float
    pictures: int


def hits(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Count right answers, and labels among the best five.

    A label is among the best five if fewer than five classes have a greater logit: a tie at the
    edge counts as in, as it does for ``tf.nn.in_top_k``. With fewer than five classes it always is.

    Args:
        logits: (B, C) finite numbers.
        labels: (B,) in [0, C).
    """
    own = logits[np.arange(len(labels)), labels]
    greater = (logits > own[:, None]).sum(axis=1)
    return int((logits.argmax(axis=1) == labels).sum()), int((greater < TOP).sum())


def evaluate(options: EvalOptions, dataset: Dataset) -> Accuracy:
    """Evaluate a checkpoint and write its numbers for TensorBoard.

    Raises:
        UserError: for what the user can mend; a folder without a checkpoint is such a thing.
    """
    num_classes = dataset.num_classes - options.labels_offset
    path = checkpoints.find(options.checkpoint_path)
    found = records.count(dataset, options.dataset_name, options.dataset_split_name)
    network = nets_factory.build(options.model_name, num_classes, options.eval_image_size)
    variables = {n: v.value for n, v in nets_factory.variables(network).items()}
    suffix = "" if options.moving_average_decay is None else moving_averages.SUFFIX
    log.info("Evaluating %s", path)
    log.info("Restoring parameters from %s", path)
    checkpoints.restore(path, {name + suffix: v for name, v in variables.items()})
    log.info("Starting evaluation at %s", time.strftime("%Y-%m-%dT%H:%M:%S"))

    @tf.function(autograph=False, reduce_retracing=True)
    def predict(images: tf.Tensor) -> tf.Tensor:
        return network(images, training=False)["Logits"]

    how = records.Reading(
        network.image_size,
        options.batch_size,
        num_classes,
        options.labels_offset,
        options.num_preprocessing_threads,
    )
    batches = records.evaluation(dataset.data_sources, how)
    total = math.ceil(found / options.batch_size)
    if options.max_num_batches:
        total = min(total, options.max_num_batches)
    right = np.zeros(2, np.int64)
    pictures = 0
    try:
        for i, (images, labels) in enumerate(batches.take(total), start=1):
            right += hits(predict(images).numpy(), labels.numpy())
            pictures += len(labels)
            if total < 20 or i % (total // 10) == 0 or i == total:
                log.info("Evaluation [%d/%d]", i, total)
    except tf.errors.OpError as error:
        if mistake := records.explain(error):
            raise mistake from error
        raise
    log.info("Finished evaluation at %s", time.strftime("%Y-%m-%d-%H:%M:%S"))
    accuracy = Accuracy(right[0] / pictures, right[1] / pictures, pictures)
    _write_events(Path(options.eval_dir), path, accuracy)
    return accuracy


def _write_events(folder: Path, checkpoint: str, accuracy: Accuracy) -> None:
    with checkpoints.open_reader(checkpoint) as reader:
        named = reader.has_tensor(checkpoints.GLOBAL_STEP)
        step = int(reader.get_tensor(checkpoints.GLOBAL_STEP)) if named else 0
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step):
        tf.summary.scalar("eval/Accuracy", accuracy.top1)
        tf.summary.scalar("eval/Recall_5", accuracy.top5)
    writer.close()
