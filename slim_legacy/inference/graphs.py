"""The inference graph: one picture in, probabilities out, in TensorFlow 1's form.

Node ``input``: float32 (height, width, 3) in [0, 1]. Node ``output``: (1, classes), softmax.
Between them are the evaluation preprocessing and the network. Variables are ``VariableV2`` nodes
by their slim names, so that ``freeze_graph`` (TensorFlow's own too) finds them in a checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from database_tools.durable import files
from slim_legacy.nets import nets_factory
from slim_legacy.preprocessing import inception
from tf_classification.predictor.frozen_graph import INPUT, OUTPUT


def inference_graph(network: keras.Model) -> tf.compat.v1.GraphDef:
    """Return the graph of a network with its preprocessing."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, None, 3), name=INPUT)])
    def classify(image: tf.Tensor) -> tf.Tensor:
        prepared = inception.centre(image, network.image_size)
        probabilities = network(prepared[None], training=False)["Predictions"]
        return tf.identity(probabilities, name=OUTPUT)

    traced = classify.get_concrete_function()
    variables = nets_factory.variables(network)
    names = {id(variable.value.handle): name for name, variable in variables.items()}
    captured = {
        inside.op.name: names[id(outside)]
        for outside, inside in traced.graph.captures
        if id(outside) in names
    }
    types = {name: variable.value for name, variable in variables.items()}
    pruned = tf.compat.v1.graph_util.extract_sub_graph(traced.graph.as_graph_def(), [OUTPUT])
    return _with_named_variables(pruned, captured, types)


def _with_named_variables(
    graph: tf.compat.v1.GraphDef, captured: dict[str, str], variables: dict[str, tf.Variable]
) -> tf.compat.v1.GraphDef:
    """Turn each captured handle into a named variable, and each read of it into its value.

    Args:
        graph: has a placeholder for every handle and ``ReadVariableOp`` nodes behind it.
        captured: placeholder to variable name.
        variables: by name; shape and type are taken from them.
    """
    result = tf.compat.v1.GraphDef(versions=graph.versions)
    for node in graph.node:
        if node.name in captured:
            name = captured[node.name]
            made = result.node.add(name=name, op="VariableV2")
            made.attr["shape"].shape.CopyFrom(variables[name].shape.as_proto())
            made.attr["dtype"].type = variables[name].dtype.as_datatype_enum
        elif node.op == "ReadVariableOp":
            made = result.node.add(name=node.name, op="Identity", input=[captured[node.input[0]]])
            made.attr["T"].CopyFrom(node.attr["dtype"])
        else:
            result.node.add().CopyFrom(node)
    return result


def write(path: Path, graph: tf.compat.v1.GraphDef, as_text: bool) -> None:
    """Write a graph, binary or as text, whole or not at all."""
    with files.replacing(path) as temporary:
        tf.io.write_graph(graph, str(temporary.parent), temporary.name, as_text=as_text)
