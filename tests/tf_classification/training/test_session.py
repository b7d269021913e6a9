"""What a machine does not allow is said before anything is read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from database_tools.core.errors import UserError
from tf_classification.runs.config import TrainConfig
from tf_classification.training import session


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"jit_compile": True}, "--jit-compile goes with one device, not with 2"),
        ({"batch_size": 15}, "--batch-size 15 does not divide by the 2 replicas"),
    ],
)
def test_what_two_replicas_cannot_do_is_refused(choice, message):
    config = TrainConfig("base", "crops", **choice)
    with pytest.raises(UserError, match=message):
        session.prepare(config, SimpleNamespace(num_replicas_in_sync=2))
