"""What the pictures of a dataset look like: hashed once, kept, and asked about other pictures.

``was this picture in the dataset?`` is answered from ``picture_hashes.npz`` alone: by its bytes,
else by its looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools import imaging
from database_tools.core.errors import UserError
from database_tools.core.ledger import NEARLY_ALL, Drops, Ledger
from database_tools.core.near_duplicates import Index
from database_tools.formats.picture_hashes import DIGEST, PictureHashes
from database_tools.imaging import perceptual

STAGE = "audit_splits"

Progress = Callable[[Iterable[tuple[Path, str]], int], Iterable[tuple[Path, str]]]

_AT_ONCE = 256

_Row = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A picture, and the dataset's one that it is, byte by byte if ``equal``, else by its looks."""

    picture: Path
    found: str | None
    equal: bool = False


def take(
    wanted: Sequence[tuple[Path, str]], workers: int, progress: Progress
) -> tuple[PictureHashes, Ledger]:
    """Read and hash (folder, name), each name once, in threads.

    Returns:
        The hashes of those that can be read, in order, and what became of the others.

    Raises:
        UserError: if nearly none can be read.
    """
    names: list[str] = []
    digests, hashes = bytearray(), bytearray()
    drops = Drops()
    stream = iter(progress(wanted, len(wanted)))
    with ThreadPoolExecutor(workers) as pool:
        while batch := list(islice(stream, _AT_ONCE)):
            for (_, name), row in zip(batch, pool.map(_row, batch), strict=True):
                if isinstance(row, str):
                    drops.add(row, name)
                    continue
                names.append(name)
                digests += row[0].tobytes()
                hashes += row[1].tobytes()
    ledger = drops.close(STAGE, len(wanted), len(names))
    if wanted and ledger.number_dropped >= NEARLY_ALL * len(wanted):
        raise UserError(f"{wanted[0][0]}: {ledger.summary()}")
    shape = (len(names), 2, perceptual.BYTES)
    found = PictureHashes(
        names,
        np.frombuffer(bytes(digests), np.uint8).reshape(-1, DIGEST),
        np.frombuffer(bytes(hashes), np.uint8).reshape(shape),
    )
    return found, ledger


def _row(wanted: tuple[Path, str]) -> _Row | str:
    folder, name = wanted
    try:
        return _looked_at(folder / name)
    except imaging.UnreadableImage as error:
        return error.reason


def _looked_at(path: Path) -> _Row:
    content = imaging.read(path)
    digest = np.frombuffer(hashlib.sha256(content).digest()[:DIGEST], np.uint8)
    return digest, perceptual.hashes(imaging.open_upright(content))


def contains(pictures: Iterable[Path], kept: PictureHashes) -> Iterator[Answer]:
    """Say of each picture whether it is one of those that were hashed.

    Raises:
        UserError: if a picture cannot be read.
    """
    index = Index(kept.hashes)
    by_bytes = {digest.tobytes(): i for i, digest in enumerate(kept.digests)}
    for path in pictures:
        try:
            digest, looks = _looked_at(path)
        except imaging.UnreadableImage as error:
            raise UserError(f"{path}: {error.reason}") from None
        if (same := by_bytes.get(digest.tobytes())) is not None:
            yield Answer(path, kept.names[same], equal=True)
            continue
        (near,), _ = nearest(index, looks[None], perceptual.CLOSE)
        yield Answer(path, None if near < 0 else kept.names[near])


def nearest(
    index: Index, hashes: npt.NDArray[np.uint8], most: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Ask for pictures as they are and mirrored; see ``Index.nearest``."""
    return index.nearest(np.concatenate([hashes, perceptual.mirrored(hashes)], axis=1), most)


def alike(folder: Path, first: str, second: str) -> bool:
    """Say whether two pictures look alike when their pixels are compared."""
    try:
        a, b = (imaging.open_upright(folder / name) for name in (first, second))
    except imaging.UnreadableImage:
        return False
    return perceptual.likeness(a, b) >= perceptual.ALIKE
