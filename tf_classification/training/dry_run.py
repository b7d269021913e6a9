"""``--dry-run``: everything that a training needs, once, and what it will cost.

Reads every picture's bytes and size, builds the network, makes a step, and says: crops by label
and split, steps per epoch, memory, time.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_classification.data import picture_size
from tf_classification.data.examples import Dataset, Examples
from tf_classification.runs import strategies
from tf_classification.runs.config import TrainConfig
from tf_classification.training import failures, session
from tf_classification.training.session import Session

Progress = Callable[..., Iterator[Any]]
_ROWS = 256  # pictures read at a time
_STEPS = 3  # timed, after one that compiles


def report(config: TrainConfig, progress: Progress) -> str:
    """Go through everything once; return the plan as text.

    Raises:
        UserError: for whatever would also end the training.
    """
    strategy = strategies.make(config.strategy, config.logical_cpus)
    config = replace(config, seed=0 if config.seed is None else config.seed)
    with failures.named(strategy, config.batch_size):
        return _report(session.prepare(config, strategy), progress)


def _report(at_work: Session, progress: Progress) -> str:
    unreadable = [
        f"{split}: {key}"
        for split, examples in at_work.dataset.splits.items()
        for key in _unreadable(examples, progress, split)
    ]
    cost = _cost(at_work)
    return "\n".join(
        [
            *_table(at_work.dataset),
            *session.unjudged(at_work.dataset),
            "",
            at_work.dataset.ledger.summary() or "every row of the dataset is used",
            _first(unreadable, "crops cannot be decoded"),
            "",
            *_plan(at_work),
            *cost.lines(at_work),
        ]
    )


def _unreadable(examples: Examples, progress: Progress, split: str) -> list[str]:
    found = []
    starts = range(0, len(examples), _ROWS)
    for start in progress(starts, total=len(starts), desc=f"reading {split}"):
        rows = np.arange(start, min(start + _ROWS, len(examples)))
        for row, encoded in zip(rows, examples.reader(rows), strict=True):
            if picture_size.read(encoded) == picture_size.UNREADABLE:
                found.append(str(examples.keys[row]))
    return found


def _first(names: list[str], what: str) -> str:
    if not names:
        return f"0 {what}"
    more = ", ..." if len(names) > 3 else ""
    return f"{len(names):,} {what}: {', '.join(names[:3])}{more}"


def _table(dataset: Dataset) -> list[str]:
    counts = {s: e.counts(dataset.num_labels) for s, e in dataset.splits.items()}
    rows = [["label", *counts]]
    for i, name in enumerate(dataset.label_names):
        rows.append([name, *(f"{c[i]:,}" for c in counts.values())])
    rows.append(["all", *(f"{c.sum():,}" for c in counts.values())])
    width = max(len(row[0]) for row in rows)
    return [row[0].ljust(width) + "".join(cell.rjust(12) for cell in row[1:]) for row in rows]


def _plan(at_work: Session) -> list[str]:
    config, names = at_work.config, at_work.dataset.label_names
    share = at_work.plan.frequencies * 100
    rarest, most = int(share.argmin()), int(share.argmax())
    size = config.size
    return [
        f"{config.model_name}, {size} x {size} pixels, {at_work.model.count_params():,} parameters,"
        f" {at_work.strategy.num_replicas_in_sync} replicas",
        f"{at_work.plan.size:,} crops per epoch: {at_work.feeds.steps_per_epoch:,} steps of"
        f" {config.batch_size}, at most {config.epochs} epochs",
        f"labels are drawn from {share[rarest]:.2f} % ({names[rarest]}) to {share[most]:.2f} %"
        f" ({names[most]})",
    ]


@dataclass(frozen=True)
class _Cost:
    """Seconds of a training step and of an evaluation step, and bytes of memory."""

    train: float
    evaluate: float
    memory: int

    def lines(self, at_work: Session) -> list[str]:
        val = at_work.batching.steps(len(at_work.dataset.splits["val"]))
        epoch = self.train * at_work.feeds.steps_per_epoch + self.evaluate * val
        total = epoch * at_work.config.epochs
        return [
            f"{self.train:.2f} s per step here; {_duration(epoch)} per epoch,"
            f" {_duration(total)} for all epochs if it does not stop early",
            f"{self.memory / 2**30:.1f} GiB of memory",
        ]


def _cost(at_work: Session) -> _Cost:
    seconds = []
    batches = iter(at_work.feeds.training(0))
    for _ in range(min(_STEPS + 1, at_work.feeds.steps_per_epoch)):
        begin = time.perf_counter()
        at_work.step.train([next(batches)])
        seconds.append(time.perf_counter() - begin)
    val = iter(at_work.feeds.evaluation("val"))
    at_work.step.evaluate(batch := next(val))
    begin = time.perf_counter()
    at_work.step.evaluate(batch)
    evaluate = time.perf_counter() - begin
    # The first step compiles; with one step in an epoch there is no other.
    return _Cost(float(np.mean(seconds[1:] or seconds)), evaluate, _memory())


def _memory() -> int:
    """Return the peak of this process, or of the first GPU."""
    if tf.config.list_physical_devices("GPU"):
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
