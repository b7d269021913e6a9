r"""Checkpoints by TF-slim's names: reads V1 files and V2 prefixes, writes V2 (and V1) ones.

    train_dir/checkpoint                              which is the latest, and which are kept
    train_dir/model.ckpt-1000.index                   names, shapes, places
    train_dir/model.ckpt-1000.data-00000-of-00001     numbers
    inception_v4.ckpt                                 V1: everything in one file

A key is a variable's slim name (``InceptionV4/Logits/Logits/weights``); the original tools read
what is written here. The index is renamed into place last: a checkpoint with an index is whole.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files, plain_paths

KEEP = 5
GLOBAL_STEP = "global_step"

_NAME = "model.ckpt"


def find(path: str) -> str:
    """Return the checkpoint that a path means: a folder's latest, a V2 prefix or a V1 file.

    Raises:
        UserError: if there is none; evaluating random weights helps nobody.
    """
    if Path(path).is_dir():
        if found := latest(Path(path)):
            return found
        raise UserError(f"{path}: no checkpoint in this folder")
    prefix = re.sub(r"\.(index|data-\d{5}-of-\d{5}|meta)$", "", path)
    if Path(f"{prefix}.index").is_file() or Path(prefix).is_file():
        return prefix
    raise UserError(f"{path}: no such checkpoint")


def latest(folder: Path) -> str | None:
    """Return the prefix of a folder's latest whole checkpoint, or None.

    The ``checkpoint`` file decides; where it names none that exists, because the folder was
    moved or copied in part, the highest step does.
    """
    with (
        contextlib.suppress(ValueError),  # an empty or torn `checkpoint` file names none
        plain_paths.folder(folder) as plain,
    ):
        if named := tf.train.latest_checkpoint(str(plain)):
            inside = Path(named).parent == plain
            return str(folder / Path(named).name if inside else named)
    steps = [_step(index.with_suffix("")) for index in folder.glob(f"{_NAME}-*.index")]
    return str(folder / f"{_NAME}-{max(steps)}") if steps else None


@contextlib.contextmanager
def open_reader(path: str) -> Iterator[tf.train.CheckpointReader]:
    """Open a checkpoint; raise FormatError if the file is not one."""
    # The reader opens the files with the numbers only when it is asked for some.
    with plain_paths.prefix(path) as plain:
        try:
            reader = tf.train.load_checkpoint(plain)
        except (tf.errors.OpError, ValueError, RuntimeError) as error:
            said = str(error).splitlines()[0].replace(plain, path)
            raise FormatError(path, "", f"not a checkpoint: {said}") from error
        yield reader


def restore(
    path: str, variables: Mapping[str, tf.Variable], ignore_missing: bool | None = None
) -> list[str]:
    """Assign variables from a checkpoint, all or none.

    Args:
        path: what ``find`` returned.
        variables: by the names that they have in the checkpoint.
        ignore_missing: leave a variable as it is if the checkpoint does not have its name. None
            where nobody may choose; then the errors do not tell of fine-tuning's flags either.

    Returns:
        The names that were missing.

    Raises:
        UserError: if a name is missing (unless ignored) or a shape differs (never ignored).
    """
    with open_reader(path) as reader:
        shapes = reader.get_variable_to_shape_map()
        found = _values(path, reader, [name for name in variables if name in shapes])
    missing = [name for name in variables if name not in shapes]
    if missing and not ignore_missing:
        hint = "" if ignore_missing is None else "; --ignore_missing_vars leaves such ones random"
        raise UserError(
            f"{path}: {len(missing)} of {len(variables)} variables are missing, the first is "
            f"{missing[0]}{hint}"
        )
    for name, variable in variables.items():
        if name in shapes and list(variable.shape) != shapes[name]:
            hint = "; the heads of other classes are left out by --checkpoint_exclude_scopes"
            raise UserError(
                f"{path}: {name} has shape {shapes[name]}, the network {list(variable.shape)}"
                + (hint if ignore_missing is not None else "")
            )
    for name, value in found.items():
        variables[name].assign(value)
    return missing


def _values(
    path: str, reader: tf.train.CheckpointReader, names: Iterable[str]
) -> dict[str, np.ndarray]:
    """Read tensors, all before one of them is used; raise FormatError if a file is broken."""
    try:
        return {name: reader.get_tensor(name) for name in names}
    except Exception as error:
        # TensorFlow checks the numbers only now, and says what it finds in several ways.
        said = str(error).partition("\n")[0] or type(error).__name__
        raise FormatError(path, "", f"its numbers cannot be read: {said}") from error


def without_scopes(names: Iterable[str], scopes: str | None) -> list[str]:
    """Return the names that start with none of the scopes, which are separated by commas."""
    excluded = tuple(scope.strip() for scope in (scopes or "").split(",") if scope.strip())
    return [name for name in names if not name.startswith(excluded)]


def write_v2(prefix: Path, tensors: Mapping[str, np.ndarray | tf.Tensor]) -> None:
    """Write a V2 checkpoint: ``prefix.index`` and one ``prefix.data`` file."""
    files.make_folder(prefix.parent)
    for torn in prefix.parent.glob(f"{prefix.name}.*.tempstate*"):
        torn.unlink()
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.convert_to_tensor(value) for value in tensors.values()],
    )


def write_v1(path: Path, tensors: Mapping[str, np.ndarray | tf.Tensor]) -> None:
    """Write a V1 checkpoint, a single file like the public ``inception_v4.ckpt``."""
    with files.replacing(path) as temporary:
        tf.raw_ops.Save(
            filename=str(temporary),
            tensor_names=list(tensors),
            data=[tf.convert_to_tensor(value) for value in tensors.values()],
        )


def save(folder: Path, step: int, variables: Mapping[str, tf.Variable]) -> Path:
    """Write ``model.ckpt-STEP``, say so in ``checkpoint``, and remove all but the last KEEP.

    Killed at any moment, ``latest`` finds this checkpoint or the one before it.
    """
    prefix = folder / f"{_NAME}-{step}"
    tensors = {name: variable.read_value() for name, variable in variables.items()}
    write_v2(prefix, tensors | {GLOBAL_STEP: tf.constant(step, tf.int64)})
    # After a restart from an older checkpoint, later ones are of another run: they end here.
    steps = sorted(
        s
        for s in map(_step, (i.with_suffix("") for i in folder.glob(f"{_NAME}-*.index")))
        if s <= step
    )
    kept = [f"{_NAME}-{s}" for s in steps[-KEEP:]]
    lines = [f'model_checkpoint_path: "{prefix.name}"']
    lines += [f'all_model_checkpoint_paths: "{name}"' for name in kept]
    files.write_text(folder / "checkpoint", "\n".join(lines) + "\n")
    for s in steps[:-KEEP]:
        for file in folder.glob(f"{_NAME}-{s}.*"):
            file.unlink()
    return prefix


def step_of(path: str) -> int:
    """Return the global step that a checkpoint was written at."""
    with open_reader(path) as reader:
        return int(_values(path, reader, [GLOBAL_STEP])[GLOBAL_STEP])


def _step(prefix: Path) -> int:
    number = prefix.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1
