"""What TensorFlow says at its worst moments, as one line for people."""

from __future__ import annotations

import pytest
import tensorflow as tf

from database_tools.core.errors import UserError
from tf_classification.training import failures

ONE = tf.distribute.OneDeviceStrategy("CPU:0")


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "failed to allocate memory"),
        tf.errors.InternalError(None, None, "Collective ended: OOM when allocating tensor"),
        tf.errors.UnknownError(None, None, "XLA: Out of memory while trying to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_without_memory_a_smaller_batch_is_advised(error):
    message = "--batch-size 64: try a smaller --batch-size"
    with pytest.raises(UserError, match=message), failures.named(ONE, 64):
        raise error


def test_other_errors_of_one_worker_are_bugs():
    with pytest.raises(tf.errors.InternalError), failures.named(ONE, 64):
        raise tf.errors.InternalError(None, None, "a bug")


def test_of_several_workers_one_was_lost(monkeypatch):
    monkeypatch.setattr(failures.strategies, "worker_of", lambda strategy: (0, 2))
    with pytest.raises(UserError, match="another worker was lost"), failures.named(ONE, 64):
        raise tf.errors.UnavailableError(None, None, "socket closed")
    with pytest.raises(UserError, match="smaller --batch-size"), failures.named(ONE, 64):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")
