from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from database_tools.core.errors import UserError
from slim_legacy.training import checkpoints
from slim_legacy.training.options import TrainOptions
from slim_legacy.training.trainer import Trainer, trainable_names


def test_a_run_that_stopped_and_went_on_ends_where_a_whole_one_does(tmp_path):
    """Variables and slots are restored exactly; what is drawn afterwards depends on the step."""
    options = TrainOptions(model_name="tiny", batch_size=4, learning_rate=0.1)
    images = tf.random.stateless_uniform((4, 32, 32, 3), (1, 2), -1, 1)
    labels = tf.constant([0, 1, 2, 0], tf.int64)
    rate = tf.constant(0.1)

    def step(trainer):
        tf.random.set_seed(5)
        return float(trainer.train_step(images, labels, rate, tf.constant(0.0)))

    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        whole, again = Trainer(options, 3), Trainer(options, 3)
        step(whole)
        path = checkpoints.save(tmp_path, 1, whole.variables)
        step(whole)
        checkpoints.restore(str(path), again.variables)
        step(again)
    for name, variable in whole.variables.items():
        np.testing.assert_allclose(variable, again.variables[name], atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("scopes", "chosen"),
    [
        (None, ["N/a/w", "N/Logits/w", "N/Logits/b"]),
        ("N/Logits", ["N/Logits/w", "N/Logits/b"]),
        ("N/L.*/b,N/Logits", ["N/Logits/b", "N/Logits/w"]),  # regular expressions; once each
    ],
)
def test_trainable_scopes_match_from_the_start(scopes, chosen):
    assert trainable_names(["N/a/w", "N/Logits/w", "N/Logits/b"], scopes) == chosen


def test_a_scope_that_matches_nothing_is_an_error():
    with pytest.raises(UserError, match="starts with Logits"):
        trainable_names(["N/Logits/w"], "Logits")
