"""What TensorBoard shows: losses, scores, learning rate, recalls, pictures, hparams.

TensorBoard sorts groups, which is what stands before the first slash, by the alphabet.  No label
begins a tag, so that losses come first whatever the labels are called::

    loss/train, loss/val, loss/val_weighted
    lr
    outcome/val/acc_top1              of the best epoch, for hparams
    val/acc_top1, train/images_per_second
    val_labels/confusion_matrix, val_labels/recall/fox, val_labels/fp/fox, val_labels/fp_files/fox
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from database_tools.pages import confusion
from tf_classification.data.examples import Dataset
from tf_classification.runs.config import TrainConfig
from tf_classification.training import extremes
from tf_classification.training.callbacks import KeepBest
from tf_classification.training.loop import Trainer

_HPARAMS = ("model_name", "multilabel", "finetune", "batch_size", "epochs", "weight_decay", "seed")


class TensorBoardLog(keras.callbacks.Callback):
    """Writes an epoch's events at its end."""

    def __init__(
        self,
        logdir: Path,
        trainer: Trainer,
        dataset: Dataset,
        pictures: extremes.CollectExtremes | None = None,
    ) -> None:
        super().__init__()
        self._trainer, self._dataset, self._pictures = trainer, dataset, pictures
        self._writer = tf.summary.create_file_writer(str(logdir))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the epoch."""
        with self._writer.as_default(step=epoch):
            for name, value in logs.items():
                tf.summary.scalar(tag(name), value)
            tf.summary.scalar("lr", float(self._trainer.step.optimizer.learning_rate))
            # The test split's tally is of this epoch only if it was run.
            for split in (s for s in self._trainer.tallies if f"{s}/loss" in logs):
                self._write_labels(split)
            if self._pictures:
                self._write_pictures(self._pictures.by_split)
        self._writer.flush()

    def _write_labels(self, split: str) -> None:
        tally, names = self._trainer.tallies[split], self._dataset.label_names
        for name, recall in zip(names, tally.recalls, strict=True):
            if not math.isnan(recall):
                tf.summary.scalar(f"{split}_labels/recall/{name}", recall)
        picture = confusion.pixels_of(tally.confusion, names)
        tf.summary.image(f"{split}_labels/confusion_matrix", picture[None])

    def _write_pictures(self, by_split: Mapping[str, extremes.Extremes]) -> None:
        for split, found in by_split.items():
            examples = self._dataset.splits[split]
            for label, kind, rows in found:
                group, name = f"{split}_labels/{kind}", self._dataset.label_names[label]
                tf.summary.image(f"{group}/{name}", extremes.grid(rows, examples.reader)[None])
                listed = "\n\n".join(str(examples.keys[r]) for r in rows)
                tf.summary.text(f"{group}_files/{name}", listed)


def tag(name: str) -> str:
    """Return the tag of a score: ``val/loss_weighted`` is ``loss/val_weighted``."""
    split, _, score = name.partition("/")
    return f"loss/{split}{score.removeprefix('loss')}" if score.startswith("loss") else name


def write_hparams(logdir: Path, config: TrainConfig, best: KeepBest) -> None:
    """Write what was chosen, and what came of it at the best epoch."""
    chosen: dict[str, Any] = {name: getattr(config, name) for name in _HPARAMS}
    chosen |= {"lr": config.learning_rate, "sampling_power": config.power}
    chosen["optimizer"] = config.optimizer_name
    with tf.summary.create_file_writer(str(logdir)).as_default(step=best.best_epoch):
        hparams.hparams(chosen, trial_id=logdir.name)
        for name, value in best.best_logs.items():
            tf.summary.scalar(f"outcome/{name}", value)
