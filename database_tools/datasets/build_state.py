"""``progress.json``: where a build stands, and of what inputs.

    {"inputs": {...}, "next": 400, "crops": 312, "journal": 28112, "complete": false,
     "shards": {"train": {"shard": 1, "records": 40, "length": 812345}, "test": {...}},
     "files": {"main/train.json": "9f86d0...", "records/label_map.pbtxt": "2c26b4...", ...}}

It is replaced whole, after everything that it speaks of is on the disk.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from database_tools.core.splits import SPLITS
from database_tools.datasets.shards import Position
from database_tools.durable import files

log = logging.getLogger(__name__)

NAME = "progress.json"


@dataclass(frozen=True)
class BuildState:
    """Where a build stands.

    Attributes:
        inputs: everything that the output depends on, as JSON has it.
        next: position of the picture to go on with.
        crops: number of crops so far, which is the next one's id.
        journal: its length in bytes.
        complete: all files are there, the last ones included.
        files: of a complete build: the files that close it, and the SHA-256 of each.
    """

    inputs: Mapping[str, Any]
    next: int = 0
    crops: int = 0
    journal: int = 0
    shards: Mapping[str, Position] = field(
        default_factory=lambda: dict.fromkeys(SPLITS, Position())
    )
    complete: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


def read(folder: Path) -> BuildState | None:
    """Read the state that lies in ``folder``; None if there is none, or none that is whole."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        table = files.read_own(path)
        positions = {split: Position(**at) for split, at in table.pop("shards").items()}
        state = BuildState(**table, shards=positions)
        numbers = [state.next, state.crops, state.journal]
        numbers += [number for at in positions.values() for number in asdict(at).values()]
        whole = isinstance(state.inputs, dict) and isinstance(state.files, dict)
        if whole and all(isinstance(n, int) and n >= 0 for n in numbers):
            return state
    except (TypeError, AttributeError, KeyError):
        pass
    log.info("building anew: %s cannot be read", path)
    return None


def write(folder: Path, state: BuildState) -> None:
    """Write the state, to last; from now on a run with the same inputs goes on there."""
    files.write_json(folder / NAME, asdict(state), indent=None, lasting=True)


def as_json(value: object) -> Any:
    """Bring a value to what JSON makes of it, so that it equals what is read back."""
    return json.loads(json.dumps(value))
