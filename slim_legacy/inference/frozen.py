"""Frozen graphs: run one on a picture, and make one from an inference graph and a checkpoint."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files
from slim_legacy.inference import graphs
from slim_legacy.inference.options import FreezeOptions
from slim_legacy.training import checkpoints

Predict = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Classifier:
    """A frozen graph, ready to run.

    Attributes:
        path: the ``.pb`` file.
        predict: (height, width, 3) float32 in [0, 1] to (1, classes) probabilities.
    """

    path: Path
    predict: Predict

    def probabilities(self, pixels: npt.NDArray[np.uint8] | tf.Tensor) -> npt.NDArray[np.float32]:
        """Classify (height, width, 3) uint8; return (classes,)."""
        image = tf.cast(pixels, tf.float32) / 255
        answer: npt.NDArray[np.float32] = self.predict(image).numpy()[0]
        return answer


def load(path: Path) -> Classifier:
    """Load a frozen graph with nodes ``input`` and ``output``.

    Raises:
        UserError: if there is no such file, it is no graph, or lacks these nodes.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such frozen graph")
    graph = graphs.read(path)
    names = {node.name for node in graph.node}
    for name in (graphs.INPUT, graphs.OUTPUT):
        if name not in names:
            raise FormatError(
                path, "", f"no node {name!r}: freeze an export_inference_graph.py graph"
            )
    if unfrozen := [node.name for node in graph.node if node.op in ("VariableV2", "VarHandleOp")]:
        raise FormatError(path, "", f"not frozen: {unfrozen[0]} is a variable; see freeze_graph.py")
    wrapped = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    predict = wrapped.prune(f"{graphs.INPUT}:0", f"{graphs.OUTPUT}:0")
    return Classifier(path, predict)


def decode(path: Path) -> tf.Tensor:
    """Decode a crop as the network saw it in training: (height, width, 3) uint8.

    Raises:
        UserError: if it is missing or no picture.
    """
    try:
        encoded = tf.io.read_file(str(path))
        return tf.image.decode_image(encoded, channels=3, expand_animations=False)
    except tf.errors.NotFoundError:
        raise UserError(f"{path}: no such picture") from None
    except tf.errors.OpError as error:
        raise UserError(f"{path}: not a picture ({str(error.message).splitlines()[0]})") from None


def freeze(options: FreezeOptions) -> None:
    """Write a frozen graph with TensorFlow's own tool, whole or not at all.

    Raises:
        UserError: for a missing or broken input, or a node that is not there.
    """
    from tensorflow.python.tools import freeze_graph

    checkpoint = checkpoints.find(options.input_checkpoint) if options.input_checkpoint else None
    for given in (options.input_graph, options.input_meta_graph):
        if given and not Path(given).is_file():
            raise UserError(f"{given}: no such graph")
    arguments: dict[str, Any] = {
        "input_graph": options.input_graph,
        "input_saver": options.input_saver,
        "input_binary": options.input_binary,
        "input_checkpoint": checkpoint,
        "output_node_names": options.output_node_names,
        "restore_op_name": None,  # not used by TensorFlow any more
        "filename_tensor_name": None,
        "clear_devices": options.clear_devices,
        "initializer_nodes": options.initializer_nodes,
        "variable_names_whitelist": options.variable_names_whitelist,
        "variable_names_denylist": options.variable_names_blacklist,
        "input_meta_graph": options.input_meta_graph,
        "input_saved_model_dir": options.input_saved_model_dir,
        "saved_model_tags": options.saved_model_tags,
        "checkpoint_version": options.checkpoint_version,
    }
    with files.replacing(Path(options.output_graph)) as temporary, _one_line(options):
        freeze_graph.freeze_graph(output_graph=str(temporary), **arguments)
        _check_inputs(temporary, options)


@contextlib.contextmanager
def _one_line(options: FreezeOptions) -> Iterator[None]:
    """Turn what TensorFlow raises for wrong files into one line, and keep its warnings back."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    kind = "binary" if options.input_binary else "text"
    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"cannot freeze {options.input_graph or options.input_meta_graph} (read as {kind}, "
            f"see --input_binary): {reason}"
        ) from error
    finally:
        logger.setLevel(before)


def _check_inputs(path: Path, options: FreezeOptions) -> None:
    names = {node.name for node in graphs.read(path).node}
    wanted = [name.strip() for name in options.input_node_names.split(",") if name.strip()]
    if lost := [name for name in wanted if name not in names]:
        raise UserError(f"--input_node_names: the frozen graph has no node {lost[0]}")
