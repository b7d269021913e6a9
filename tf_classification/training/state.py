"""The state from which a killed run goes on, in one file: ``resume.npz``.

It holds every variable that a step reads: weights, BatchNorm's averages, the seeds of random
layers (Keras 3 keeps them where ``tf.train.Checkpoint`` does not look), the optimizer's slots,
averaged weights, the sums of the epoch; and as JSON the position and what the callbacks know.
One file is renamed into place, so there is never half a state.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from database_tools.core import json_text
from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files
from tf_classification.evaluation.tally import Tally
from tf_classification.training.loop import Position
from tf_classification.training.step import Step

NAME = "resume.npz"


class Remembering(Protocol):
    """A callback with something to remember, as JSON values."""

    def remember(self) -> dict[str, Any]:
        """Return what to keep."""

    def recall(self, kept: dict[str, Any]) -> None:
        """Take up what was kept."""


def save(path: Path, step: Step, position: Position, callback: Remembering, *, write: bool) -> None:
    """Save the state.

    Args:
        path: the file.
        step: owns the variables.
        position: the step that comes next.
        callback: with something to remember.
        write: only the chief writes, but every worker must call, since sums are taken over all.
    """
    arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(_variables(step))}
    tally = step.tally()
    sums = {f"tally_{name}": value for name, value in vars(tally).items()}
    note = {"position": asdict(position), "callback": callback.remember()}
    if not write:
        return
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, note=np.array(json.dumps(note)), **arrays, **sums)


def restore(path: Path, step: Step, callback: Remembering) -> Position:
    """Take up a saved state; return the step that comes next.

    Raises:
        UserError: if there is none.
        FormatError: if it is of another network or optimizer, or broken.
    """
    try:
        with np.load(path, allow_pickle=False) as table:
            arrays = {name: table[name] for name in table.files}
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; the run never came to its first save") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise FormatError(path, "", f"is not a saved state: {error}") from None
    variables = _variables(step)
    found = [arrays.get(f"variable_{i}") for i in range(len(variables))]
    count = sum(name.startswith("variable_") for name in arrays)
    for i, (variable, value) in enumerate(zip(variables, found, strict=True)):
        if value is None or count != len(variables) or value.shape != tuple(variable.shape):
            raise FormatError(path, f"variable_{i}", "does not fit this network and optimizer")
    for variable, value in zip(variables, found, strict=True):
        variable.assign(value)
    step.set_tally(Tally(**{n: arrays[f"tally_{n}"] for n in ("confusion", "loss", "top3")}))
    note = json_text.loads(str(arrays["note"]))
    callback.recall(note["callback"])
    return Position(**note["position"])


def _variables(step: Step) -> list[Any]:
    """Return every variable, as ``tf.Variable``, in an order that depends on the network only."""
    keras_variables = [*step.model.variables, *step.optimizer.variables]
    return [v.value for v in keras_variables] + list(step.averages)
