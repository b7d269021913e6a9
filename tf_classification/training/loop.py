"""The training loop.

    for each epoch:
        for each batch of the epoch's plan:   one step
        evaluate on val; tell the callbacks
        save the state from which a killed run goes on

Everything else (best weights, early stop, TensorBoard, ...) hangs on it as Keras callbacks, in
``callbacks.py`` and its neighbours.  Their ``logs`` hold scalars named ``split/score``; those of
batch hooks hold ``loss``, ``split`` and ``outcomes`` (see ``Step._count``).  They are called one
call late, when the next one has been handed to the devices, but before anything is saved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import keras

from database_tools.core.errors import UserError
from tf_classification.evaluation.tally import Tally
from tf_classification.training.step import Step, Trained

Progress = Callable[[Iterable[int], int, str], Iterable[int]]
T = TypeVar("T")


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
        whole, left = divmod(steps - at.step, self.steps_per_call)
        sizes = [self.steps_per_call] * whole + [1] * left  # another size would be compiled anew
        calls = iter(self.progress(sizes, len(sizes), f"epoch {at.epoch}"))
        while at.step < steps:
            told = at.step
            for losses, outcomes in late(self._until_save(calls, batches)):
                for loss, outcome in zip(losses, outcomes, strict=True):
                    logs: dict[str, Any] = {"loss": loss, "split": "train", "outcomes": outcome}
                    self.callbacks.on_train_batch_end(told, logs)
                    told += 1
            if at.step < steps:
                self.save(at)
        seconds = time.perf_counter() - begin
        self.tallies["train"] = tally = self.step.take_tally()
        scores = {f"train/{name}": value for name, value in tally.scores().items()}
        here = tally.counts.sum() * (steps - first) / steps  # the rest was before a kill
        scores["train/images_per_second"] = here / seconds
        scores["train/input_wait"] = (batches.seconds - waited) / seconds
        return scores

    def _until_save(self, calls: Iterator[int], batches: Waiting) -> Iterator[Future[Trained]]:
        """Begin call after call until the state is to be saved, or the epoch ends."""
        at = self.position
        for number in calls:
            before, at.step = at.step, at.step + number
            yield self.step.begin([next(batches) for _ in range(number)])
            if self.save_steps and at.step // self.save_steps > before // self.save_steps:
                return

    def evaluate(self, split: str) -> dict[str, float]:
        """Evaluate on a split; return its scores, named ``split/score``.

        Raises:
            UserError: if no picture of the split can be decoded.
        """
        begun = (self.step.begin_evaluation(batch) for batch in self.feeds.evaluation(split))
        for i, outcomes in enumerate(late(begun)):
            self.callbacks.on_test_batch_end(i, {"split": split, "outcomes": outcomes})
        self.tallies[split] = tally = self.step.take_tally()
        if not tally.counts.any():
            raise UserError(f"no picture of the {split} split can be decoded; --dry-run names them")
        return {f"{split}/{name}": value for name, value in tally.scores().items()}


def late(running: Iterable[Future[T]]) -> Iterator[T]:
    """Yield what each gives, but the next is begun before one is waited for."""
    before: Future[T] | None = None
    for each in running:
        if before is not None:
            yield before.result()
        before = each
    if before is not None:
        yield before.result()


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
