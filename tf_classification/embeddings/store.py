"""Embeddings on the disk: what is known of which crop, and of what it was computed.

::

    efficientnet-lite0-1f3a9c04/        network and the fingerprint of all that rows depend on
        embeddings.json                 see ``Facts``
        backbone.weights.h5             the network, so that a head becomes a whole model
        shards/4be1...f0.npz            a unit of 256 crops: keys, sources, features, reasons
        index.npz                       the crops of the last run in its order: where their rows are
        embed_crops_ledger.json

A shard is named by what is in it, and a row by its crop's name, place and file's size and time of
change; so a row is taken for what it is, whichever run left it.  Nothing is ever deleted.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files
from database_tools.formats import npz
from tf_classification.predictor import units
from tf_classification.predictor.sources import Source
from tf_classification.predictor.units import Answer, Unit

log = logging.getLogger(__name__)

FORMAT = 1
STAGE = "embed_crops"
FACTS, INDEX, WEIGHTS = "embeddings.json", "index.npz", "backbone.weights.h5"
SHARDS = "shards"

Keys = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Facts:
    """What embeddings depend on, beside their crops.

    Attributes:
        network: name in the table.
        image_size: side of its input, pixels.
        conv_padding: as a bundle has it.
        resize: from a crop to the input, as a bundle has it.
        weights: SHA-256 of those below the last layer, or of ``file``.
        crop_recipe: how the crops were cut; None if nobody knows.
        views: 2 with each crop mirrored too.
        features: their number F.
        file: name of the ``.tflite`` that computed them; None for the network itself.
    """

    network: str
    image_size: int
    conv_padding: str
    resize: str
    weights: str
    crop_recipe: CropRecipe | None
    views: int
    features: int
    file: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what ``embeddings.json`` holds."""
        recipe = self.crop_recipe and self.crop_recipe.as_json()
        table = {"format": FORMAT, **asdict(self), "crop_recipe": recipe}
        if self.file is None:  # as before there were files
            del table["file"]
        return table

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()

    @property
    def folder(self) -> str:
        """Name of the folder."""
        return f"{self.network}-{self.fingerprint[:8]}"


def read_facts(folder: Path) -> Facts:
    """Read ``embeddings.json``; raise FormatError if it is not one of this version."""
    path = folder / FACTS
    table = files.read_json(path)
    if not isinstance(table, dict) or table.pop("format", None) != FORMAT:
        raise FormatError(path, "format", f"this program reads embeddings of format {FORMAT}")
    try:
        recipe = table.pop("crop_recipe")
        known = None if recipe is None else CropRecipe.from_json(recipe)
        return Facts(**table, crop_recipe=known)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(path, "", f"{type(error).__name__}: {error}") from None


def keys(root: Path, source: Source) -> list[int]:
    """Return what a source's crops are known by: 64 bits of a digest for each."""
    state = units.state(root / source.file)
    places = source.boxes or [source.span]
    rows = zip(source.crops, places, strict=True)
    return [_key(json.dumps([crop, place, state])) for crop, place in rows]


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def write_shard(folder: Path, unit: Unit, known_as: Sequence[int], answer: Answer) -> None:
    """Keep a unit's features for good; what is no number in half precision is none at all."""
    count = len(unit.crops)
    features = np.zeros((count, *answer.values.shape[1:]), np.float16)
    with np.errstate(over="ignore"):
        features[answer.rows] = answer.values
    if not np.isfinite(features).all():
        raise UserError(f"{folder}: features beyond 65,504: is the network trained?")
    lost = sorted(answer.reasons.items())
    path = folder / SHARDS / f"{unit.name}{units.ENDING}"
    with files.replacing(path, lasting=True) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            keys=np.array(known_as, np.uint64),
            sources=npz.pack([units.as_text(source) for source in unit.sources]),
            features=features,
            lost=np.array([row for row, _ in lost], np.int64),
            reasons=npz.pack([reason for _, reason in lost]),
        )


def read_features(folder: Path, shard: str) -> npt.NDArray[np.float16]:
    """Read (rows, views, F) of a shard."""
    return _read(folder, shard, ["features"])["features"]


def read_sources(folder: Path, shard: str) -> list[Source]:
    """Read where the crops of a shard are from."""
    texts = npz.unpack(_read(folder, shard, ["sources"])["sources"])
    return [units.of_text(text) for text in texts]


def _read(folder: Path, shard: str, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    try:
        return npz.read(folder / SHARDS / f"{shard}{units.ENDING}", names)
    except FormatError as error:
        advice = "delete it, and embed_crops.py computes it anew"
        raise UserError(f"{error}: {advice}") from None


class Rows:
    """The rows that are there, found by the keys of their crops.

    Attributes:
        shards: names of the shards, sorted.
    """

    def __init__(self, folder: Path) -> None:
        """Go through the shards; one that is not whole counts as not there."""
        self.shards: list[str] = []
        parts: list[Keys] = []
        self._lost: dict[int, str] = {}
        rows: list[npt.NDArray[np.int32]] = []
        for path in sorted((folder / SHARDS).glob(f"*{units.ENDING}")):
            try:
                found = npz.read(path, ["keys", "lost", "reasons"])
            except UserError as error:
                log.warning("%s: computed anew", error)
                continue
            lost = found["keys"][found["lost"]].tolist()
            self._lost.update(zip(lost, npz.unpack(found["reasons"]), strict=True))
            there = np.ones(len(found["keys"]), bool)
            there[found["lost"]] = False
            self.shards.append(path.stem)
            parts.append(found["keys"][there])
            rows.append(np.flatnonzero(there).astype(np.int32))
        shard = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
        every = np.concatenate([np.zeros(0, np.uint64), *parts])
        order = np.argsort(every, kind="stable")
        self._keys, self._shard = every[order], shard[order]
        self._row = np.concatenate([np.zeros(0, np.int32), *rows])[order]

    def find(self, wanted: Keys) -> tuple[Ints, Ints]:
        """Return shard and row of each of (n,) keys, -1 for one that is not there."""
        if not len(self._keys):
            return np.full(len(wanted), -1), np.full(len(wanted), -1)
        place = np.searchsorted(self._keys, wanted) % len(self._keys)
        there = self._keys[place] == wanted
        return np.where(there, self._shard[place], -1), np.where(there, self._row[place], -1)

    def has(self, key: int) -> bool:
        """Say whether a crop's row is there."""
        return bool((self.find(np.array([key], np.uint64))[0] >= 0).all())

    def reason(self, key: int) -> str | None:
        """Return why a crop has no row; None if nobody tried."""
        return self._lost.get(key)
