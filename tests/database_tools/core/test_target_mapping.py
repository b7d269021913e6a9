"""Probabilities of targets from those of a classifier's labels."""

from __future__ import annotations

import numpy as np

from database_tools.core.target_mapping import TargetMapping


def test_impossible_labels_stay_impossible():
    found = TargetMapping(("a", "b"), ((0, 1), (2,)))
    assert found.logits(np.array([[-np.inf, -np.inf, 0.0]])).tolist() == [[-np.inf, 0.0]]
