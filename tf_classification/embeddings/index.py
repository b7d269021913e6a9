"""``index.npz``, and the one reader of embeddings.

found = index.open(Path("embeddings/efficientnet-lite0-1f3a9c04"))
rows = found.rows(["site1/a.jpg", "site1/b.jpg"])       # -1 for one that is not there
features = found.features(rows)                         # (2, views, F) float32
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools import remote
from database_tools.core.errors import UserError
from database_tools.durable import files
from database_tools.formats import npz
from tf_classification.embeddings import store
from tf_classification.predictor import asking
from tf_classification.predictor.sources import Source
from tf_classification.predictor.units import SIZE

Ints = npt.NDArray[np.integer]
Features = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Crops:
    """What is known of (n,) crops.

    Attributes:
        names: (n,) text.
        confidences: (n,) float32, the detector's; NaN where nobody says.
        locations: (n,) int32, positions in ``places``.
        places: names of locations; "" for an unknown one.
    """

    names: npt.NDArray[np.str_]
    confidences: npt.NDArray[np.float32]
    locations: npt.NDArray[np.int32]
    places: tuple[str, ...]

    def select(self, chosen: npt.NDArray[np.bool_]) -> Crops:
        """Return the crops where ``chosen``, (n,), is true."""
        sure, locations = self.confidences[chosen], self.locations[chosen]
        return Crops(self.names[chosen], sure, locations, self.places)


def write(
    folder: Path, root: Path, crops: Crops, shards: Sequence[str], shard: Ints, row: Ints
) -> None:
    """Write the index of the crops of one run, whole or not at all.

    Args:
        folder: of the embeddings.
        root: folder that the crops' files are below.
        crops: n of them.
        shards: names.
        shard: (n,) positions in ``shards``.
        row: (n,) rows there.
    """
    path = folder / store.INDEX
    with files.replacing(path, lasting=True) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            root=npz.pack([str(root.absolute())]),
            names=npz.pack(crops.names.tolist()),
            confidences=crops.confidences,
            locations=crops.locations,
            places=npz.pack(crops.places),
            shards=npz.pack(shards),
            shard=shard.astype(np.int32),
            row=row.astype(np.int32),
        )


class Embeddings:
    """Features of n crops, read when they are wanted.

    Attributes:
        folder: of the embeddings.
        facts: what they depend on.
        crops: their names and what else is known of them.
        root: folder that the crops' files are below.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.facts = folder, store.read_facts(folder)
        table = npz.read(folder / store.INDEX)
        names = np.array(npz.unpack(table["names"]), np.dtypes.StringDType())
        places = tuple(npz.unpack(table["places"]))
        self.crops = Crops(names, table["confidences"], table["locations"], places)
        self.root = remote.path(npz.unpack(table["root"])[0])
        self._shards = npz.unpack(table["shards"])
        self._shard, self._row = table["shard"], table["row"]

    def __len__(self) -> int:
        return len(self._row)

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.crops.names.tolist())}

    def rows(self, names: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the rows of crops by their names, -1 for one that is not there."""
        return np.fromiter((self._by_name.get(name, -1) for name in names), np.int64)

    def features(self, rows: Ints) -> Features:
        """Return (k, views, F) of k rows, in their order; each shard is read once."""
        found = np.zeros((len(rows), self.facts.views, self.facts.features), np.float32)
        shards = self._shard[rows]
        order = np.argsort(shards, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(shards[order])) + 1):
            if len(part):
                content = store.read_features(self.folder, self._shards[shards[part[0]]])
                found[part] = content[self._row[rows[part]]]
        return found

    def batches(self, rows: Ints | None = None) -> Iterator[tuple[Ints, Features]]:
        """Yield some rows after the other with their features; all of them by default."""
        wanted = np.arange(len(self)) if rows is None else rows
        for start in range(0, len(wanted), 4 * SIZE):
            part = wanted[start : start + 4 * SIZE]
            yield part, self.features(part)

    def encoded(self, row: int) -> bytes | str:
        """Return a row's crop as a file holds it, or why it is not there any more."""
        source, place = self.source(row)
        return list(asking.encoded(self.root, source, self.facts.crop_recipe))[place]

    def source(self, row: int) -> tuple[Source, int]:
        """Return the source of a row's crop, and which of the source's crops it is."""
        place = int(self._row[row])
        for source in store.read_sources(self.folder, self._shards[self._shard[row]]):
            if place < len(source.crops):
                return source, place
            place -= len(source.crops)
        raise UserError(f"{self.folder}: a shard does not fit the index; run embed_crops.py again")


def open(folder: Path) -> Embeddings:
    """Open embeddings, or the only ones that a folder holds.

    Raises:
        UserError: if there are none or several, or a run did not come to its end.
    """
    if not (folder / store.FACTS).is_file():
        within = sorted(path.parent for path in folder.glob(f"*/{store.FACTS}"))
        if len(within) != 1:
            several = f"several embeddings: {', '.join(path.name for path in within)}; say which"
            raise UserError(
                f"{folder}: {several if within else 'no embeddings: see embed_crops.py'}"
            )
        folder = within[0]
    if not (folder / store.INDEX).is_file():
        raise UserError(f"{folder}: embed_crops.py did not come to its end; run it again")
    return Embeddings(folder)
