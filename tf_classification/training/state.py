"""The state from which a killed run goes on, in one file: ``resume.npz``.

It holds every variable that a step reads: weights, BatchNorm's averages, the seeds of random
layers (Keras 3 keeps them where ``tf.train.Checkpoint`` does not look), the optimizer's slots,
averaged weights, the sums of the epoch; and as JSON the position and what the callbacks know.
One file is renamed into place, so there is never half a state.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from database_tools.core import json_text
from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files
from database_tools.formats import npz
from tf_classification.evaluation.tally import Tally
from tf_classification.training.loop import Position
from tf_classification.training.step import Step

VERSION = 2
"""Of the arithmetic that the state belongs to; 1 had Keras' RMSprop."""


class Remembering(Protocol):
    """A callback with something to remember, as JSON values."""

    def remember(self) -> dict[str, Any]:
        """Return what to keep."""

    def recall(self, kept: dict[str, Any]) -> None:
        """Take up what was kept."""


def save(path: Path, step: Step, reached: Position, callback: Remembering, *, write: bool) -> None:
    """Save the state.

    Args:
        path: the file.
        step: owns the variables.
        reached: the step that comes next.
        callback: with something to remember.
        write: only the chief writes, but every worker must call, since sums are taken over all.
    """
    arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(_variables(step))}
    tally = step.tally()
    sums = {f"tally_{name}": value for name, value in vars(tally).items()}
    note = {"version": VERSION, "position": asdict(reached), "callback": callback.remember()}
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
    arrays, note = _read(path)
    variables = _variables(step)
    found = [arrays.get(f"variable_{i}") for i in range(len(variables))]
    count = sum(name.startswith("variable_") for name in arrays)
    for i, (variable, value) in enumerate(zip(variables, found, strict=True)):
        if value is None or count != len(variables) or value.shape != tuple(variable.shape):
            raise FormatError(path, f"variable_{i}", "does not fit this network and optimizer")
    for variable, value in zip(variables, found, strict=True):
        variable.assign(value)
    step.set_tally(Tally(**{n: arrays[f"tally_{n}"] for n in ("confusion", "loss", "top3")}))
    callback.recall(note["callback"])
    return Position(**note["position"])


def _read(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    if not path.exists():
        raise UserError(f"{path}: no such file; the run never came to its first save")
    arrays = npz.read(path)
    try:
        note = json_text.loads(str(arrays["note"]))
        version = note.get("version", 1)
    except (KeyError, ValueError, AttributeError):
        raise FormatError(path, "note", "not the state of a training") from None
    if version != VERSION:
        rule = f"{version}: an older program began this run, with another RMSprop; begin a new one"
        raise FormatError(path, "version", rule)
    return arrays, note


def _variables(step: Step) -> list[Any]:
    """Return every variable, as ``tf.Variable``, in an order that depends on the network only."""
    keras_variables = [*step.model.variables, *step.optimizer.variables]
    return [v.value for v in keras_variables] + list(step.averages)
