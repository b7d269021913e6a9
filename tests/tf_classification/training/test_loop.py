"""The order in which the loop hands work to the devices, asks for results and saves."""

from __future__ import annotations

from concurrent.futures import Future

import keras
import numpy as np
import pytest

from database_tools.core.errors import UserError
from tf_classification.evaluation.tally import Tally
from tf_classification.training.loop import Trainer


class Feeds:
    steps_per_epoch = 5

    def training(self, start_step):
        return iter(range(start_step, 100))

    def evaluation(self, split):
        return range(2)


class Step:
    """Notes what is begun and what is waited for."""

    def __init__(self, counted=1.0):
        self.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        self.frozen = False
        self.said = []
        self.counted = counted

    def begin(self, batches):
        self.said.append(f"begin {len(batches)}")
        return self.later(([0.0] * len(batches), [[]] * len(batches)))

    def begin_evaluation(self, batch):
        return self.later([])

    def later(self, value):
        said = self.said

        class Noted(Future):
            def result(self, timeout=None):
                said.append("wait")
                return value

        return Noted()

    def take_tally(self):
        tally = Tally.empty(2)
        tally.confusion[0, 0] = self.counted
        return tally


class Steps(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


def train_epoch(step, **options):
    trainer = Trainer(step, Feeds(), 1, **options)
    trainer.save = lambda position: step.said.append("save")
    trainer.hang([steps := Steps()])
    trainer._train_epoch(iter_of(trainer))
    return steps.seen


def iter_of(trainer):
    from tf_classification.training.loop import Waiting

    return Waiting(iter(trainer.feeds.training(0)))


def test_a_step_is_waited_for_when_the_next_has_begun():
    step = Step()
    assert train_epoch(step) == [0, 1, 2, 3, 4]
    first = ["begin 1"]
    assert step.said == first + ["begin 1", "wait"] * 4 + ["wait"]


def test_a_part_of_a_call_is_done_by_single_steps():
    step = Step()
    assert train_epoch(step, steps_per_call=3) == [0, 1, 2, 3, 4]
    assert [word for word in step.said if "begin" in word] == ["begin 3", "begin 1", "begin 1"]


def test_everything_is_told_before_a_state_is_saved():
    step = Step()
    assert train_epoch(step, save_steps=2) == [0, 1, 2, 3, 4]
    stretch = ["begin 1", "begin 1", "wait", "wait", "save"]
    assert step.said == stretch * 2 + ["begin 1", "wait"]


def test_a_split_without_a_readable_picture_is_an_error_at_its_first_evaluation():
    trainer = Trainer(Step(counted=0.0), Feeds(), 1)
    with pytest.raises(UserError, match="no picture of the val split can be decoded"):
        trainer.evaluate("val")
    assert np.isfinite(Trainer(Step(), Feeds(), 1).evaluate("val")["val/loss"])
