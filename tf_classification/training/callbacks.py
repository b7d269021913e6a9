"""What hangs on the training loop, beside TensorBoard: best weights, stopping, log lines."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from database_tools.core.errors import UserError
from database_tools.core.ledger import Ledger
from database_tools.formats import ledger_json
from tf_classification.data.examples import Dataset
from tf_classification.data.pipeline import Plan
from tf_classification.evaluation.tally import Tally
from tf_classification.models import weights

log = logging.getLogger(__name__)

BEST = "best.weights.h5"
STAGE = "train_classifier"
UNREADABLE = "cannot be decoded"


class StopOnNaN(keras.callbacks.Callback):
    """Ends the training at the first loss that is no number."""

    def __init__(self, logdir: Path) -> None:
        super().__init__()
        self._logdir = logdir
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Know the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Raise UserError if the loss is not finite."""
        if not math.isfinite(logs["loss"]):
            raise UserError(
                f"the loss is {logs['loss']} at step {batch} of epoch {self._epoch}; the last good"
                f" weights are kept in {self._logdir}. A smaller --lr or --clip-norm 1 may help"
            )


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights with the best validation accuracy, tests them, stops when none come.

    Args:
        logdir: where ``best.weights.h5`` and ``ckpt_N.weights.h5`` of the best epochs go.
        monitor: the score; strictly greater is better.
        patience: epochs without a better one after which to stop.
        test: evaluates on the test split.
        write: whether this worker writes files.
    """

    def __init__(
        self,
        logdir: Path,
        monitor: str,
        patience: int,
        test: Callable[[], dict[str, float]],
        *,
        write: bool = True,
    ) -> None:
        super().__init__()
        self._logdir, self._monitor, self._patience = logdir, monitor, patience
        self._test, self._write = test, write
        self.best = -math.inf
        self.best_epoch = -1
        self.best_logs: dict[str, float] = {}
        self._last_epoch = -1

    def on_train_begin(self, logs: Any = None) -> None:
        """Stop at once if a killed run had come to its end."""
        self._stop_after(self._last_epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep and test a new best; stop when the last one is too long ago."""
        if logs[self._monitor] > self.best:
            logs |= self._test()
            self.best, self.best_epoch = logs[self._monitor], epoch
            self.best_logs = dict(logs)
            if self._write:
                weights.save(self.model, self._logdir / f"ckpt_{epoch}.weights.h5")
                weights.save(self.model, self._logdir / BEST)
        self._last_epoch = epoch
        self._stop_after(epoch)

    def _stop_after(self, epoch: int) -> None:
        if self.best_epoch >= 0 and epoch >= self.best_epoch + self._patience:
            log.info("no better %s for %d epochs: stopping", self._monitor, epoch - self.best_epoch)
            self.model.stop_training = True

    def remember(self) -> dict[str, Any]:
        """Return what a resumed run must know."""
        names = ("best", "best_epoch", "best_logs", "_last_epoch")
        return {name.strip("_"): getattr(self, name) for name in names}

    def recall(self, kept: dict[str, Any]) -> None:
        """Take up what was kept."""
        self.best, self.best_epoch = kept["best"], kept["best_epoch"]
        self.best_logs, self._last_epoch = kept["best_logs"], kept["last_epoch"]


class Account(keras.callbacks.Callback):
    """Keeps the ledger: what is not in the dataset, and crops that cannot be decoded.

    The latter are left out of loss and scores.  Written after each epoch.
    """

    def __init__(self, dataset: Dataset, logdir: Path) -> None:
        super().__init__()
        self._dataset, self._logdir = dataset, logdir
        self._seen: set[str] = set()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Note those of a batch, and name each once."""
        for outcome in logs["outcomes"]:
            left_out = (outcome["weight"] == 0) & (outcome["index"] >= 0)
            for row in outcome["index"][left_out]:
                key = str(self._dataset.splits[logs["split"]].keys[row])
                if key not in self._seen:
                    log.warning("left out: %s cannot be decoded", key)
                self._seen.add(key)

    on_test_batch_end = on_train_batch_end

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the ledger."""
        loaded = self._dataset.ledger
        dropped = {**loaded.dropped, UNREADABLE: sorted(self._seen)}
        ledger = Ledger(STAGE, loaded.total, loaded.kept - len(self._seen), dropped)
        ledger_json.write(self._logdir, ledger)


class NameBlindLabels(keras.callbacks.Callback):
    """Names labels none of whose crops could be decoded in the first epoch."""

    def __init__(self, dataset: Dataset, plan: Plan, tallies: Mapping[str, Tally]) -> None:
        super().__init__()
        self._dataset, self._plan, self._tallies = dataset, plan, tallies
        self._done = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Raise UserError for such a label of train, warn of one of another split."""
        if self._done:
            return
        self._done = True
        for split, tally in self._tallies.items():
            labels = self._dataset.splits[split].labels
            shown = labels[self._plan.indices(epoch)] if split == "train" else labels
            number = np.bincount(shown, minlength=self._dataset.num_labels)
            for label in np.flatnonzero((number > 0) & (tally.counts == 0)):
                crops = int((labels == label).sum())
                rule = f"none of its {crops} crops in {split} can be decoded"
                said = f"label {self._dataset.label_names[label]!r}: {rule}"
                if split == "train":
                    raise UserError(f"{said}; leave the label out, or mend its files")
                log.warning("%s", said)


class LogLine(keras.callbacks.Callback):
    """One line for each epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the scores of the epoch."""
        parts = [
            f"{split} loss {logs[f'{split}/loss']:.4f} top-1 {logs[f'{split}/acc_top1']:.2f} %"
            for split in ("train", "val", "test")
            if f"{split}/loss" in logs
        ]
        log.info("epoch %d: %s", epoch, ", ".join(parts))
