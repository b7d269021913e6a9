"""Archives that are not whole, whoever reads them."""

from __future__ import annotations

import io

import numpy as np
import pytest

from database_tools.core.errors import FormatError, UserError
from database_tools.formats import isotonic_npz, npz


def packed(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def alone(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


WHOLE = packed(x=np.linspace(0, 1, 500), y=np.random.default_rng(0).random(500))
NOISE = np.random.default_rng(1).integers(0, 256, len(WHOLE), np.uint8).tobytes()
BROKEN = {
    "nothing": b"",
    "zeros": bytes(len(WHOLE)),
    "noise": NOISE,
    "half": WHOLE[: len(WHOLE) // 2],
    "noise inside": WHOLE[:100] + NOISE[:2000] + WHOLE[2100:],
    "marked as encrypted": WHOLE[: (flag := WHOLE.rindex(b"PK\1\2") + 8)]
    + b"\1"
    + WHOLE[flag + 1 :],
    "an array alone": alone(np.zeros(3)),
    "a pickle": packed(x=np.array([{}], object), y=np.zeros(1)),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("read", [npz.read, isotonic_npz.read])
def test_what_is_not_whole_is_one_line(tmp_path, kind, read):
    path = tmp_path / "a.npz"
    path.write_bytes(BROKEN[kind])
    with pytest.raises(FormatError, match=r"a\.npz: not a whole NumPy archive"):
        read(path)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match=r"none\.npz: no such file"):
        npz.read(tmp_path / "none.npz")
    with pytest.raises(UserError, match="is a folder, expected a file"):
        npz.read(tmp_path)


def test_arrays_come_back(tmp_path):
    (tmp_path / "a.npz").write_bytes(packed(x=np.arange(3)))
    np.testing.assert_array_equal(npz.read(tmp_path / "a.npz")["x"], [0, 1, 2])
