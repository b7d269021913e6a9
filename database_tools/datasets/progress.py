"""``progress.json``: where a build stands, and of what inputs.

    {"inputs": {...}, "next": 400, "crops": 312, "journal": 28112, "complete": false,
     "shards": {"train": {"shard": 1, "records": 40, "length": 812345}, "test": {...}}}

It is replaced whole, after everything that it speaks of is in its files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from database_tools.core.location_split import SPLITS
from database_tools.datasets.shards import Position
from database_tools.durable import files

NAME = "progress.json"


@dataclass(frozen=True)
class Progress:
    """Where a build stands.

    Attributes:
        inputs: everything that the output depends on, as JSON has it.
        next: position of the picture to go on with.
        crops: number of crops so far, which is the next one's id.
        journal: length in bytes.
        shards: split to where its writer stands.
        complete: all files are there, the last ones included.
    """

    inputs: Mapping[str, Any]
    next: int = 0
    crops: int = 0
    journal: int = 0
    shards: Mapping[str, Position] = field(
        default_factory=lambda: dict.fromkeys(SPLITS, Position())
    )
    complete: bool = False


def read(folder: Path) -> Progress | None:
    """Read the progress that lies in ``folder``, None if there is none."""
    path = folder / NAME
    if not path.exists():
        return None
    table = files.read_json(path)
    positions = {split: Position(**at) for split, at in table.pop("shards").items()}
    return Progress(**table, shards=positions)


def write(folder: Path, progress: Progress) -> None:
    """Write the progress; from now on a run with the same inputs goes on there."""
    files.write_json(folder / NAME, asdict(progress), indent=None)


def as_json(value: object) -> Any:
    """Bring a value to what JSON makes of it, so that it equals what is read back."""
    return json.loads(json.dumps(value))
