"""What a bundle's graph may do: the operations of honest bundles, and no others.

A SavedModel is a program.  TensorFlow's operations read and write files, call Python and start
when a model is loaded, not only when it is asked, so a bundle from elsewhere is read before
anything of it is loaded: this module looks at ``saved_model.pb`` as data and needs no TensorFlow.

- The graph and all functions of its library, whether or not something calls them, hold operations
  of ``COMPUTE`` only.
- The two functions that ``saver_def`` names, which store and restore the variables, hold those of
  ``SAVE`` or ``RESTORE`` too.  Nothing else may call them, and they call nothing.
- There is an object graph (without one, TensorFlow 1's loader runs whatever a collection names) and
  no asset, whose file would be read.

A network with a new operation is found by the test of this module; add the operation here once you
know what it can do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message,
    message_factory,
)

from database_tools.core.errors import FormatError

_FLOW = """
    Const EnsureShape Identity IdentityN NoOp PartitionedCall Placeholder
    StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile
    TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem TensorListStack
"""
_VARIABLES = "AssignVariableOp ReadVariableOp VarHandleOp VarIsInitializedOp"
_SHAPES = """
    BroadcastTo Cast ConcatV2 ExpandDims Fill GatherV2 Pack Pad Range Rank Reshape SelectV2 Shape
    Slice Squeeze StridedSlice Substr Tile Transpose Unpack ZerosLike
"""
# Gradients too, which SavedModels keep of functions that have their own, such as swish.
_ARITHMETIC = """
    AddV2 All Ceil DivNoNan Equal Exp Floor FloorDiv Greater GreaterEqual Less LessEqual LogicalAnd
    LogicalNot LogicalOr Max Maximum Mean Min Minimum Mul Neg Prod RealDiv Round Rsqrt Sqrt Square
    SquaredDifference Sub Sum TopKV2
"""
_NETWORKS = """
    AvgPool BiasAdd Conv2D DepthwiseConv2dNative FusedBatchNormV3 MatMul MaxPool Relu Relu6 Sigmoid
    Softmax
"""
_PICTURES = """
    DecodeAndCropJpeg DecodeImage DecodeJpeg ExtractJpegShape ResizeBilinear ScaleAndTranslate
"""

COMPUTE = frozenset(
    " ".join((_FLOW, _VARIABLES, _SHAPES, _ARITHMETIC, _NETWORKS, _PICTURES)).split()
)
"""None of them opens a file, a connection or Python, whatever its inputs are."""

_SAVER = "Select StaticRegexFullMatch StringJoin"
SAVE = frozenset(f"{_SAVER} DisableCopyOnRead MergeV2Checkpoints SaveV2 ShardedFilename".split())
RESTORE = frozenset(f"{_SAVER} RestoreV2".split())

_CALL = b"StatefulPartitionedCall"

# The parts of TensorFlow's messages that are looked at: field to number, type and "*" for many.
# A type that is not in the table is bytes.
_MESSAGES = {
    "SavedModel": {"meta_graphs": (2, "MetaGraph*")},
    "MetaGraph": {
        "graph": (2, "Graph"),
        "saver": (3, "Saver"),
        "signatures": (5, "SignatureEntry*"),
        "assets": (6, "bytes*"),
        "objects": (7, "Objects"),
    },
    "Graph": {"nodes": (1, "Node*"), "library": (2, "Library")},
    "Library": {"functions": (1, "Function*")},
    "Function": {"signature": (1, "Named"), "nodes": (3, "Node*")},
    "Named": {"name": (1, "bytes")},
    "Node": {
        "name": (1, "bytes"),
        "op": (2, "bytes"),
        "inputs": (3, "bytes*"),
        "attributes": (5, "Attribute*"),
    },
    "Attribute": {"key": (1, "bytes"), "value": (2, "Value")},
    "Value": {"list": (1, "Functions"), "function": (10, "Named")},
    "Functions": {"functions": (9, "Named*")},
    "Saver": {"save": (2, "bytes"), "restore": (3, "bytes")},
    "SignatureEntry": {"value": (2, "Signature")},
    "Signature": {"inputs": (1, "TensorEntry*"), "outputs": (2, "TensorEntry*")},
    "TensorEntry": {"value": (2, "Named")},
    "Objects": {"nodes": (1, "Object*"), "functions": (2, "FunctionEntry*")},
    "FunctionEntry": {"key": (1, "bytes")},
    "Object": {"asset": (5, "bytes"), "function": (6, "Concrete"), "bare": (8, "Named")},
    "Concrete": {"names": (1, "bytes*")},
}


def check(path: Path) -> None:
    """Refuse a SavedModel that may do more than compute.

    Raises:
        FormatError: with the function and the operation.
    """
    try:
        model = _class_of("SavedModel").FromString(path.read_bytes())
    except (OSError, message.DecodeError) as error:
        raise FormatError(path, "the file", f"cannot be read as a SavedModel: {error}") from None
    if len(model.meta_graphs) != 1:
        raise FormatError(path, "the file", f"has {len(model.meta_graphs)} graphs, expected one")
    for place, rule in _problems(model.meta_graphs[0]):
        raise FormatError(path, place, rule)


def used(model: bytes) -> frozenset[str]:
    """Return the names of all operations of a serialised SavedModel but its saver's."""
    (graph,) = _class_of("SavedModel").FromString(model).meta_graphs
    saver = _saver(graph)
    places = [nodes for place, nodes in _places(graph) if place not in (saver.save, saver.restore)]
    return frozenset(_text(node.op) for nodes in places for node in nodes)


@dataclass(frozen=True)
class _Saver:
    """What ``saver_def`` names.

    Attributes:
        nodes: the two nodes of the graph that call its functions.
        save: the function that writes the variables, if any.
        restore: the function that reads them, if any.
    """

    nodes: frozenset[bytes]
    save: bytes | None
    restore: bytes | None


def _saver(graph: Any) -> _Saver:
    calls = {node.name: node for node in graph.graph.nodes if node.op == _CALL}
    nodes = [_node_of(tensor) for tensor in (graph.saver.save, graph.saver.restore)]
    named = [
        {a.key: a.value.function.name for a in calls[node].attributes} if node in calls else {}
        for node in nodes
    ]
    return _Saver(frozenset(nodes) & set(calls), *(functions.get(b"f") for functions in named))


def _problems(graph: Any) -> Iterator[tuple[str, str]]:
    """Yield where something is that may not be, and why."""
    if not graph.HasField("objects"):
        yield "the graph", "has no objects: it was not written by this program"
    if graph.assets or any(node.HasField("asset") for node in graph.objects.nodes):
        yield "the graph", "has an asset, a file that is read when it is loaded"
    saver = _saver(graph)
    allowed = {saver.save: COMPUTE | SAVE, saver.restore: COMPUTE | RESTORE, None: COMPUTE}
    library = {function.signature.name for function in graph.graph.library.functions}
    for place, nodes in _places(graph):
        where = "the graph" if place is None else f"function {_text(place)}"
        may_call = library - {saver.save, saver.restore}
        if place in (saver.save, saver.restore) and place is not None:
            may_call = set()
        for node in nodes:
            if place is None and node.op == _CALL and node.name in saver.nodes:
                continue
            if _text(node.op) not in allowed.get(place, COMPUTE):
                yield where, f"the operation {_text(node.op)} is not one of a model of this program"
            for called in set(_called(node)) - may_call:
                yield where, f"{_text(node.name)} may not call the function {_text(called)}"
    yield from _misused(graph, saver)


def _misused(graph: Any, saver: _Saver) -> Iterator[tuple[str, str]]:
    """Find what else than ``saver_def`` leads to the functions that read and write files."""
    names = {entry.key for entry in graph.objects.functions}
    for node in graph.objects.nodes:
        names |= {*node.function.names, node.bare.name}
    tensors = {name for node in graph.graph.nodes for name in node.inputs}
    for entry in graph.signatures:
        tensors |= {t.value.name for t in (*entry.value.inputs, *entry.value.outputs)}
    for used_too in sorted(names & {saver.save, saver.restore}):
        yield f"function {_text(used_too)}", "is used by something else than the saver"
    for node in sorted({_node_of(tensor) for tensor in tensors} & saver.nodes):
        yield f"node {_text(node)}", "is used by something else than the saver"


def _places(graph: Any) -> Iterator[tuple[bytes | None, Any]]:
    """Yield the nodes of the graph, under the name None, and those of its functions."""
    yield None, graph.graph.nodes
    for function in graph.graph.library.functions:
        yield function.signature.name, function.nodes


def _called(node: Any) -> Iterator[bytes]:
    for attribute in node.attributes:
        yield from (named.name for named in attribute.value.list.functions)
        if attribute.value.HasField("function"):
            yield attribute.value.function.name


def _node_of(tensor: bytes) -> bytes:
    """Return the node's name of an input: ``^name`` or ``name:0``."""
    return tensor.removeprefix(b"^").partition(b":")[0]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _class_of(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"model.{name}"))


def _describe() -> descriptor_pool.DescriptorPool:
    """Make protobuf read ``_MESSAGES``; TensorFlow's own classes would import TensorFlow."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="model.proto", package="model", syntax="proto2")
    for name, fields in _MESSAGES.items():
        described = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            one = described.field.add(name=field, number=number)
            one.label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
            one.type = kinds.TYPE_BYTES
            if (wanted := kind.rstrip("*")) in _MESSAGES:
                one.type, one.type_name = kinds.TYPE_MESSAGE, f".model.{wanted}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _describe()
