from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_classification.data.batching import Batching


@given(rows=st.integers(0, 50), each=st.integers(1, 5), workers=st.integers(1, 4))
def test_every_row_goes_to_one_worker_once(rows, each, workers):
    batchings = [Batching(each * workers, 8, worker, workers) for worker in range(workers)]
    given_out = [
        row
        for step in range(batchings[0].steps(rows))
        for batching in batchings
        for row in batching.take(np.arange(rows), step)[batching.part]
    ]
    assert given_out[:rows] == list(range(rows))
    assert set(given_out[rows:]) <= {-1}
    assert len(given_out) - rows < each * workers


def test_a_batch_that_does_not_divide_by_the_workers_is_refused():
    with pytest.raises(ValueError, match="does not divide"):
        Batching(10, 8, 0, 4)
