"""The folder of a run: claimed by one training, and known to be finished."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.durable import files
from tf_classification.models import bundle
from tf_classification.runs.config import BUNDLE, TrainConfig

LOCK = ".lock"


def name(begun: datetime, number: int) -> str:
    """Name the folder of the ``number``-th run that began in a second, from 1."""
    stamp = begun.strftime("%Y%m%d_%H%M%S")
    return stamp if number == 1 else f"{stamp}_{number}"


def claim(logdir: Path, begun: datetime) -> int:
    """Make the folder of a run that nobody else has; return its number.

    Making a folder is one step for the system: of two that try, one fails.

    Raises:
        UserError: if the folder cannot be written.
    """
    with files.writing_below(logdir):
        logdir.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            try:
                (logdir / name(begun, number)).mkdir()
                return number
            except FileExistsError:
                continue
    raise AssertionError


def finished(folder: Path, config: TrainConfig) -> Path | None:
    """Return the bundle that a run of this length ended with; None if it is not at its end.

    The bundle is written last.
    """
    try:
        made = bundle.read(folder / BUNDLE)
    except UserError:
        return None
    trained, asked = made.description.parameters, config.portable()
    same = all(trained.get(key) == asked[key] for key in ("epochs", "patience", "dataset_sha256"))
    return made.path if same else None
