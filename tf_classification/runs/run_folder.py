"""The folder of a run: claimed by one training, and known to be finished."""

from __future__ import annotations

import itertools
import logging
import shlex
from datetime import datetime
from pathlib import Path

from database_tools.core import json_text
from database_tools.core.errors import UserError
from database_tools.durable import files
from database_tools.formats import npz
from tf_classification.models import bundle
from tf_classification.runs.config import BUNDLE, TrainConfig

log = logging.getLogger(__name__)

LOCK = ".lock"
STATE = "resume.npz"
"""From which a killed run goes on."""


def name(begun: datetime, number: int) -> str:
    """Name the folder of the ``number``-th run that began in a second, from 1."""
    stamp = begun.strftime("%Y%m%d_%H%M%S")
    return stamp if number == 1 else f"{stamp}_{number}"


def is_name(text: str) -> bool:
    """Say whether a folder in another one can be called so."""
    return text not in ("", ".", "..") and "\0" not in text and Path(text).name == text


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


def say_kept(folder: Path | None) -> None:
    """Say how much of a run is kept, and how to go on; None is a run without a folder yet."""
    if folder is None or not (folder / STATE).exists():
        log.info("nothing to go on from: the run did not come to its first save")
        return
    reached = json_text.loads(str(npz.read(folder / STATE, ["note"])["note"]))["position"]
    log.info("kept: all up to step %(step)d of epoch %(epoch)d", reached)
    log.info("to go on: train_classifier.py --resume %s", shlex.quote(str(folder)))
