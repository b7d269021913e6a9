"""The training loop.

    for each epoch:
        for each batch of the epoch's plan:   one step
        evaluate on val; tell the callbacks
        save the state from which a killed run goes on

Everything else (best weights, early stop, TensorBoard, ...) hangs on it as Keras callbacks, in
``callbacks.py`` and its neighbours.  Their ``logs`` hold scalars named ``split/score``; those of
batch hooks hold ``loss``, ``split`` and ``outcomes`` (see ``Step._count``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras

from tf_classification.evaluation.tally import Tally
from tf_classification.training.step import Step

Progress = Callable[[Iterable[int], int, str], Iterable[int]]


class Feeds(Protocol):
    """Where batches come from, cut for this worker's replicas."""

    steps_per_epoch: int

    def training(self, start_step: int) -> Iterable[Any]:
        """Return the batches of all epochs from that step on."""

    def evaluation(self, split: str) -> Iterable[Any]:
        """Return the batches of a split, each example once."""


@dataclass
class Position:
    """The step that comes next: ``step`` of ``epoch``, both from 0."""

    epoch: int = 0
    step: int = 0


@dataclass(eq=False)
class Trainer:
    """Runs the epochs.

    Attributes:
        step: the arithmetic.
        feeds: the batches.
        epochs: how many.
        frozen_epochs: in how many of them only the last layer learns.
        steps_per_call: steps handed to TensorFlow at once.
        save: called when the state after ``position`` should be kept.
        save_steps: steps between saves within an epoch; 0 for none.
        progress: shows how far an epoch is.
        position: where to begin, later: where we are.
        tallies: of each split, of the last epoch.
    """

    step: Step
    feeds: Feeds
    epochs: int
    frozen_epochs: int = 0
    steps_per_call: int = 1
    save: Callable[[Position], None] = lambda position: None
    save_steps: int = 0
    progress: Progress = lambda items, total, name: items
    position: Position = field(default_factory=Position)
    tallies: dict[str, Tally] = field(default_factory=dict)
    callbacks: keras.callbacks.CallbackList = field(init=False)

    def __post_init__(self) -> None:
        self.model = self.step.model
        self.model.stop_training = False
        self.hang([])

    def hang(self, callbacks: list[keras.callbacks.Callback]) -> None:
        """Hang these callbacks on the loop, in this order."""
        self.callbacks = keras.callbacks.CallbackList(callbacks, model=self.model)

    def fit(self) -> None:
        """Train until the last epoch, or until a callback sets ``model.stop_training``."""
        at, steps = self.position, self.feeds.steps_per_epoch
        batches = Waiting(iter(self.feeds.training(at.epoch * steps + at.step)))
        self.callbacks.on_train_begin()
        while at.epoch < self.epochs and not self.model.stop_training:
            self.callbacks.on_epoch_begin(at.epoch)
            logs = self._train_epoch(batches)
            with self.step.averaged():
                logs |= self.evaluate("val")
                self.callbacks.on_epoch_end(at.epoch, logs)
            at.epoch, at.step = at.epoch + 1, 0
            self.save(at)
        self.callbacks.on_train_end()

    def _train_epoch(self, batches: Waiting) -> dict[str, float]:
        at, steps = self.position, self.feeds.steps_per_epoch
        self.step.frozen = at.epoch < self.frozen_epochs
        begin, waited, first = time.perf_counter(), batches.seconds, at.step
        calls = range(at.step, steps, self.steps_per_call)
        for start in self.progress(calls, len(calls), f"epoch {at.epoch}"):
            number = min(self.steps_per_call, steps - start)
            self._train_call(batches, number)
        seconds = time.perf_counter() - begin
        self.tallies["train"] = tally = self.step.take_tally()
        logs = {f"train/{name}": value for name, value in tally.scores().items()}
        here = tally.counts.sum() * (steps - first) / steps  # the rest was before a kill
        logs["train/images_per_second"] = here / seconds
        logs["train/input_wait"] = (batches.seconds - waited) / seconds
        return logs

    def _train_call(self, batches: Waiting, number: int) -> None:
        at = self.position
        losses, outcomes = self.step.train([next(batches) for _ in range(number)])
        for loss, outcome in zip(losses, outcomes, strict=True):
            logs = {"loss": loss, "split": "train", "outcomes": outcome}
            self.callbacks.on_train_batch_end(at.step, logs)
            at.step += 1
        crossed = (
            self.save_steps and at.step // self.save_steps > (at.step - number) // self.save_steps
        )
        if crossed and at.step < self.feeds.steps_per_epoch:
            self.save(at)

    def evaluate(self, split: str) -> dict[str, float]:
        """Evaluate on a split; return its scores, named ``split/score``."""
        for i, batch in enumerate(self.feeds.evaluation(split)):
            outcomes = self.step.evaluate(batch)
            self.callbacks.on_test_batch_end(i, {"split": split, "outcomes": outcomes})
        self.tallies[split] = tally = self.step.take_tally()
        return {f"{split}/{name}": value for name, value in tally.scores().items()}


class Waiting(Iterator[Any]):
    """An iterator that knows how long it kept others waiting, in ``seconds``."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self.seconds = 0.0

    def __next__(self) -> Any:
        begin = time.perf_counter()
        try:
            return next(self._items)
        finally:
            self.seconds += time.perf_counter() - begin
