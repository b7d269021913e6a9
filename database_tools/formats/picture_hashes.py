"""``picture_hashes.npz``: what the pictures of a dataset look like, to be recognised elsewhere.

A NumPy archive; N pictures, each once:

    names    (bytes,) uint8    names in UTF-8, joined by NUL: of crops below their folder, and of
                               whole pictures, ``<dataset>/<file>``, where these were looked at
    digests  (N, 16) uint8     the first half of the SHA-256 of each file
    hashes   (N, 2, 32) uint8  perceptual hashes, see ``imaging.perceptual``

No pixel can be made of it.  The dataset keeps it, and a model bundle names its SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError
from database_tools.durable import files
from database_tools.formats import npz

NAME = "picture_hashes.npz"
DIGEST = 16
"""Bytes."""

_SHAPES = {"names": (), "digests": (DIGEST,), "hashes": (2, 32)}


@dataclass(frozen=True, eq=False)
class PictureHashes:
    """See the module: ``names`` in order, and a row for each in both arrays."""

    names: list[str]
    digests: npt.NDArray[np.uint8]
    hashes: npt.NDArray[np.uint8]


def write(path: Path, found: PictureHashes) -> None:
    """Write the archive."""
    text = "\0".join(found.names).encode("utf-8", "surrogateescape")
    names = np.frombuffer(text, np.uint8)
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, names=names, digests=found.digests, hashes=found.hashes)


def read(path: Path) -> PictureHashes:
    """Read the archive; raise UserError if there is none, FormatError if it is not one."""
    arrays = npz.read(path)
    for name, shape in _SHAPES.items():
        found = arrays.get(name)
        if found is None or found.dtype != np.uint8 or found.shape[1:] != shape:
            raise FormatError(path, name, f"expected bytes, each row of shape {shape}")
    text = arrays["names"].tobytes().decode("utf-8", "surrogateescape")
    names = text.split("\0") if text else []
    if not len(names) == len(arrays["digests"]) == len(arrays["hashes"]):
        raise FormatError(path, "names", f"{len(names)} for {len(arrays['hashes'])} hashes")
    return PictureHashes(names, arrays["digests"], arrays["hashes"])
