from __future__ import annotations

import numpy as np
import pytest

from database_tools.core.errors import FormatError, UserError
from database_tools.core.weights import Curve
from database_tools.formats import isotonic_npz


def test_a_curve_survives_writing_and_reading(tmp_path):
    isotonic_npz.write(tmp_path / "c.npz", Curve(np.array([0, 1.0]), np.array([0.1, 0.9])))
    curve = isotonic_npz.read(tmp_path / "c.npz")
    assert (curve.x.tolist(), curve.y.tolist()) == ([0, 1], [0.1, 0.9])


def test_what_is_no_curve_is_the_users_to_mend(tmp_path):
    path = tmp_path / "c.npz"
    with pytest.raises(UserError, match="no such file"):
        isotonic_npz.read(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(FormatError, match="not a whole NumPy archive"):
        isotonic_npz.read(path)
    np.savez(path, x=[0, 1])
    with pytest.raises(FormatError, match="expected arrays x and y"):
        isotonic_npz.read(path)
    np.savez(path, x=[1, 0], y=[0, 1])
    with pytest.raises(FormatError, match="x must rise"):
        isotonic_npz.read(path)
    np.savez(path, x=np.array([{}], object), y=[0])
    with pytest.raises(FormatError, match="of numbers"):
        isotonic_npz.read(path)
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="not a whole NumPy archive"):
        isotonic_npz.read(path)
