"""``.npz``, an archive of NumPy arrays, that may be cut short, empty or noise.

{"x": array([0.0, 0.8, 1.0]), "y": array([0.1, 0.4, 0.99])}
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files


def read(path: Path, names: Sequence[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Read all arrays, or those of these names; nothing in the file is unpickled."""
    try:
        with files.opened(path) as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in names or archive.files}
    except UserError:
        raise
    except Exception:
        # zipfile, zlib and NumPy raise whatever the bytes make them stumble over.
        raise FormatError(path, "", "not a whole NumPy archive (.npz) of numbers") from None


def pack(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Make an array of bytes of texts, each ended by a zero: .npz has no texts but by pickle."""
    ended = "".join(f"{text}\0" for text in texts)
    return np.frombuffer(ended.encode(), np.uint8)


def unpack(packed: npt.NDArray[np.uint8]) -> list[str]:
    """Return the texts that ``pack`` packed."""
    return packed.tobytes().decode().split("\0")[:-1]
