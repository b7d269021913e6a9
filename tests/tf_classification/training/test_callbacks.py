"""Best weights, early stop and what happens to a loss that is no number."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from database_tools.core.errors import UserError
from tf_classification.training.callbacks import BEST, KeepBest, StopOnNaN


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="predictions")])


def hang(callback, model):
    model.stop_training = False
    callback.set_model(model)
    return callback


def test_the_best_epochs_weights_are_kept_and_tested(tmp_path, model):
    tested = []
    best = KeepBest(tmp_path, "val/acc", 8, lambda: tested.append(1) or {"test/acc": 7.0})
    hang(best, model)
    for epoch, accuracy in enumerate([0.0, 50.0, 50.0, 40.0]):  # an accuracy of 0 is a best too
        model.set_weights([np.full((1, 1), float(epoch)), np.zeros(1)])
        best.on_epoch_end(epoch, {"val/acc": accuracy})
    assert (best.best, best.best_epoch, len(tested)) == (50.0, 1, 2)
    assert best.best_logs == {"val/acc": 50.0, "test/acc": 7.0}
    files = {"ckpt_0.weights.h5", "ckpt_1.weights.h5", BEST}
    assert {path.name for path in tmp_path.iterdir()} == files
    model.load_weights(tmp_path / BEST)
    assert float(model.get_weights()[0][0, 0]) == 1.0


def test_training_stops_when_patience_is_out(tmp_path, model):
    best = hang(KeepBest(tmp_path, "val/acc", 8, dict), model)
    accuracies = [1.0, 2.0] + [2.0] * 20  # best at epoch 1; equal is not better
    stopped = 0
    for epoch, accuracy in enumerate(accuracies):
        best.on_epoch_end(epoch, {"val/acc": accuracy})
        stopped = epoch
        if model.stop_training:
            break
    assert stopped == 9  # README: no better one for 8 epochs


def test_what_is_remembered_can_be_taken_up(tmp_path, model):
    before = hang(KeepBest(tmp_path, "val/acc", 8, dict), model)
    before.on_epoch_end(3, {"val/acc": 2.0})
    after = hang(KeepBest(tmp_path, "val/acc", 8, dict), model)
    after.recall(before.remember())
    assert (after.best, after.best_epoch, after.best_logs) == (2.0, 3, {"val/acc": 2.0})


def test_a_run_killed_after_its_last_epoch_is_not_trained_further(tmp_path, model):
    best = hang(KeepBest(tmp_path, "val/acc", 2, dict), model)
    best.recall({"best": 2.0, "best_epoch": 3, "best_logs": {}, "last_epoch": 5})
    best.on_train_begin()
    assert model.stop_training


def test_a_worker_that_is_not_the_chief_writes_nothing(tmp_path, model):
    best = hang(KeepBest(tmp_path, "val/acc", 8, dict, write=False), model)
    best.on_epoch_end(0, {"val/acc": 2.0})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_training_at_its_step(tmp_path, loss):
    stop = StopOnNaN(tmp_path)
    stop.on_epoch_begin(3)
    stop.on_train_batch_end(16, {"loss": 1.0})
    with pytest.raises(UserError, match=f"the loss is {loss} at step 17 of epoch 3; the last good"):
        stop.on_train_batch_end(17, {"loss": loss})
