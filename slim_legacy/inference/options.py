"""Options of export and freezing with the original tools' defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slim_legacy.training.options import Gone, option


@dataclass(frozen=True)
class ExportOptions:
    """What ``export_inference_graph.py`` takes."""

    gone: ClassVar[Gone] = (
        ("is_training", "False", "an inference graph is not trained"),
        ("quantize", "False", "tf_classification/export_model.py quantizes a trained model"),
    )

    model_name: str = option("inception_v3", "inception_v4, mobilenet_v2_140 or tiny")
    preprocessing_name: str | None = option(None, "as for this network; model_name if not given")
    image_size: int | None = option(None, "side of the pictures; the network's own if not given")
    dataset_name: str = option("imagenet", "module in slim_legacy/datasets, or auto")
    labels_offset: int = option(0, "taken from every label")
    output_file: str = option("", "graph to write, or folder of the bundle (required)")
    dataset_dir: str = option(
        "", "folder of the TFRecords, for --dataset_name=auto and a bundle's crops"
    )
    write_text_graphdef: bool = option(False, "write the graph as text")
    format: str = option(
        "graphdef", "(addition) a graph, or a bundle of tf_classification", ("graphdef", "bundle")
    )
    checkpoint_path: str = option("", "(addition) checkpoint or folder, for a bundle")
    classlist: str = option("", "(addition) names of the classes, one a line, for a bundle")
    use_moving_averages: bool = option(False, "(addition) put the moving averages into the bundle")


@dataclass(frozen=True)
class FreezeOptions:
    """What ``freeze_graph.py`` takes."""

    gone: ClassVar[Gone] = (
        ("restore_op_name", "save/restore_all", "TensorFlow does not use it any more"),
        ("filename_tensor_name", "save/Const:0", "TensorFlow does not use it any more"),
    )

    input_graph: str = option("", "GraphDef to freeze")
    input_saver: str = option("", "binary or text SaverDef")
    input_checkpoint: str = option("", "checkpoint, or (addition) a folder: its latest")
    checkpoint_version: int = option(2, "version of the checkpoint's writer")
    output_graph: str = option("", "frozen graph to write (required)")
    input_binary: bool = option(False, "the graph is binary, not text")
    input_node_names: str = option("", "nodes that the frozen graph must have, by commas")
    output_node_names: str = option("", "nodes to keep, by commas (required)")
    clear_devices: bool = option(True, "forget the devices that nodes were put on")
    initializer_nodes: str = option("", "nodes to run before freezing, by commas")
    variable_names_whitelist: str = option("", "freeze these variables only, by commas")
    variable_names_blacklist: str = option("", "leave these variables, by commas")
    input_meta_graph: str = option("", "MetaGraphDef in place of a graph")
    input_saved_model_dir: str = option("", "SavedModel of TensorFlow 1 in place of a graph")
    saved_model_tags: str = option("serve", "tags of that SavedModel, by commas")
