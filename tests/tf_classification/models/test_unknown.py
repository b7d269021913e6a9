"""How far features are from what was learnt, by hand, and the file that keeps it."""

from __future__ import annotations

import numpy as np
import pytest

from database_tools.core.errors import FormatError
from tf_classification.models import unknown
from tf_classification.models.unknown import Shape, Unknown

CENTRES = np.float32([[1, 0], [-1, 0]])
SHAPE = Shape(CENTRES, np.float32([[0], [1]]), np.float32([0.5]), rest=0.1)
KNOWN = Unknown(SHAPE, (2.0, 4.0), 0.5)


def test_the_nearest_centre_counts_by_direction():
    # (3, 4) has the direction (.6, .8): (-.4)^2 / .1 + .8^2 / .5 to the first centre
    features = np.float32([[3, 4], [-30, 40], [7, 0]])
    np.testing.assert_allclose(SHAPE.squares(features), [2.88, 2.88, 0], atol=1e-5)


def test_large_logits_make_it_nearer():
    features, logits = np.float32([[3, 4], [3, 4]]), np.float32([[3, -9], [3, 5]])
    expected = [2.88 / 2 - 3 / 4 - 0.5, 2.88 / 2 - 5 / 4 - 0.5]
    np.testing.assert_allclose(KNOWN.beyond(features, logits), expected, atol=1e-5)


def test_it_is_kept(tmp_path):
    path = tmp_path / "unknown.npz"
    unknown.write(path, KNOWN)
    features, logits = np.float32([[1, 2]]), np.float32([[0, 1]])
    assert unknown.read(path).beyond(features, logits) == KNOWN.beyond(features, logits)
    before = path.read_bytes()
    unknown.write(path, KNOWN)
    assert path.read_bytes() == before
    np.savez(path, numbers=np.zeros(3))
    with pytest.raises(FormatError, match=r"unknown\.npz"):
        unknown.read(path)
