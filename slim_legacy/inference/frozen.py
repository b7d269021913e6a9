"""Frozen graphs: made from an inference graph and a checkpoint."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from database_tools.core.errors import UserError
from database_tools.durable import files, plain_paths
from slim_legacy.inference.options import FreezeOptions
from slim_legacy.training import checkpoints
from tf_classification.models.quiet import quiet
from tf_classification.predictor import frozen_graph


def freeze(options: FreezeOptions) -> None:
    """Write a frozen graph with TensorFlow's own tool, whole or not at all.

    Raises:
        UserError: for a missing or broken input, or a node that is not there.
    """
    checkpoint = checkpoints.find(options.input_checkpoint) if options.input_checkpoint else None
    for given in (options.input_graph, options.input_meta_graph):
        if given and not Path(given).is_file():
            raise UserError(f"{given}: no such graph")
    arguments = dataclasses.asdict(options)
    for own in ("output_graph", "input_node_names"):
        del arguments[own]
    arguments["variable_names_denylist"] = arguments.pop("variable_names_blacklist")
    # TensorFlow does not use these any more, but wants them.
    arguments |= {"restore_op_name": None, "filename_tensor_name": None}
    arguments["input_checkpoint"] = checkpoint
    with contextlib.ExitStack() as links:
        # TensorFlow's tool takes both for patterns.
        if checkpoint:
            arguments["input_checkpoint"] = links.enter_context(plain_paths.prefix(checkpoint))
        if given := options.input_saved_model_dir:
            plain = links.enter_context(plain_paths.folder(Path(given)))
            arguments["input_saved_model_dir"] = str(plain)
        _freeze(options, arguments)


def _freeze(options: FreezeOptions, arguments: Mapping[str, Any]) -> None:
    from tensorflow.python.tools import freeze_graph

    with files.replacing(Path(options.output_graph)) as temporary, _one_line(options):
        freeze_graph.freeze_graph(output_graph=str(temporary), **arguments)
        _check_inputs(temporary, options)


@contextlib.contextmanager
def _one_line(options: FreezeOptions) -> Iterator[None]:
    """Turn what TensorFlow raises for wrong files into one line, and keep its warnings back."""
    kind = "binary" if options.input_binary else "text"
    try:
        with quiet():
            yield
    except (UserError, OSError):
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"cannot freeze {options.input_graph or options.input_meta_graph} (read as {kind}, "
            f"see --input_binary): {reason}"
        ) from error


def _check_inputs(path: Path, options: FreezeOptions) -> None:
    names = {node.name for node in frozen_graph.read(path).node}
    wanted = [name.strip() for name in options.input_node_names.split(",") if name.strip()]
    if lost := [name for name in wanted if name not in names]:
        raise UserError(f"--input_node_names: the frozen graph has no node {lost[0]}")
