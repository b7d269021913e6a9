"""Bundles that would write files are refused before anything of them is loaded."""

from __future__ import annotations

import hashlib
import json
import re
import shutil

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from database_tools.core.errors import UserError
from tf_classification.models import bundle, description, networks, operations, signatures, table
from tf_classification.models.calibration import Calibration, CalibrationCurve
from tf_classification.models.description import RESIZE_WHOLE, Description

LABELS = ("fox", "deer")
CURVES = Calibration(
    2.0, (CalibrationCurve((0.0, 0.5, 1.0), (0.0, 0.6, 0.9)), CalibrationCurve((0.5,), (0.2,)))
)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    network = networks.build("demo-cnn", 2, image_size=32)
    described = Description(LABELS, "demo-cnn", 32)
    return bundle.write(tmp_path_factory.mktemp("models") / "demo", network, described)


@pytest.fixture
def copied(honest, tmp_path):
    shutil.copytree(honest.base, tmp_path / "demo")
    return tmp_path / "demo" / "1"


def sign(folder):
    """Write the fingerprints anew, as whoever makes a bundle does."""
    path = folder / bundle.DESCRIPTION
    told = json.loads(path.read_text())
    files = [f for f in folder.rglob("*") if f.is_file() and f != path]
    told["fingerprints"] = {
        "description": description.fingerprint(told),
        **{
            f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()
            for f in files
        },
    }
    path.write_text(json.dumps(told))


class Model(tf.Module):
    """Answers as a bundle does, and calls ``harm`` on the way."""

    def __init__(self, harm):
        super().__init__()
        self.harm = harm

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def serve(self, image_bytes):
        done = self.harm(tf.shape(image_bytes)[0])
        with tf.control_dependencies([] if done is None else [done]):
            shape = (tf.shape(image_bytes)[0], 2)
            return {"probabilities": tf.broadcast_to(tf.constant(0.0), shape)}


class WhenLoaded(Model):
    """Calls ``harm`` when it is loaded."""

    def __init__(self, harm):
        from tensorflow.python.trackable.resource import TrackableResource

        super().__init__(lambda rows: None)

        class Resource(TrackableResource):
            def _create_resource(self):
                return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=(), shared_name="x")

            def _initialize(self):
                harm(1)

        self.resource = Resource()
        self.resource.resource_handle  # noqa: B018 - makes it


def write(target):
    return lambda rows: tf.io.write_file(str(target), "harm")


def conditional(target):
    def harm(rows):
        tf.cond(rows > 0, lambda: write(target)(rows), tf.no_op)

    return harm


def loop(target):
    def harm(rows):
        tf.while_loop(lambda i: i < rows, one, [tf.constant(0)])

    def one(i):
        with tf.control_dependencies([tf.io.write_file(str(target), "harm")]):
            return [i + 1]

    return harm


def python(target):
    return lambda rows: tf.py_function(lambda: target.write_text("harm"), [], tf.int64)


def checkpoint(target):
    return lambda rows: tf.raw_ops.SaveV2(
        prefix=str(target), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant([0.0])]
    )


def event(target):
    def harm(rows):
        writer = tf.raw_ops.SummaryWriter(shared_name="w")
        tf.raw_ops.CreateSummaryFileWriter(
            writer=writer, logdir=str(target), max_queue=1, flush_millis=1, filename_suffix="x"
        )

    return harm


def read_file(target):
    return lambda rows: tf.io.write_file(str(target), tf.io.read_file("/etc/hostname"))


@pytest.mark.parametrize(
    ("kind", "harm", "operation"),
    [
        (Model, write, "WriteFile"),
        (Model, conditional, "If|WriteFile"),
        (Model, loop, "While|WriteFile"),
        (Model, python, "EagerPyFunc"),
        (Model, checkpoint, "SaveV2"),
        (Model, event, "CreateSummaryFileWriter|SummaryWriter"),
        (Model, read_file, "ReadFile|WriteFile"),
        (WhenLoaded, write, "WriteFile"),
    ],
)
def test_a_bundle_that_writes_a_file_is_refused_before_it_is_loaded(
    copied, tmp_path, kind, harm, operation
):
    target = tmp_path / "harm"
    made = kind(harm(target))
    shutil.rmtree(copied / "variables")
    tf.saved_model.save(made, copied, signatures=made.serve)
    model = tf.saved_model.load(copied)
    model.signatures["serving_default"](image_bytes=tf.constant([b""]))
    assert list(tmp_path.glob("harm*")), "the model must be able to do harm"
    for file in tmp_path.glob("harm*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    sign(copied)
    with pytest.raises(UserError, match=rf"pb: function \S+: the operation ({operation}) is not"):
        bundle.read(copied)
    assert not list(tmp_path.glob("harm*"))


def test_a_model_without_an_object_graph_is_refused(copied, tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        harm = tf.io.write_file(str(tmp_path / "harm"), "harm")
        builder = tf.compat.v1.saved_model.Builder(str(tmp_path / "old"))
        builder.add_meta_graph_and_variables(session, ["serve"], main_op=harm)
        builder.save()
    shutil.copy(tmp_path / "old" / "saved_model.pb", copied)
    sign(copied)
    with pytest.raises(UserError, match=r"saved_model.pb: the graph: has no objects"):
        bundle.read(copied)
    assert not (tmp_path / "harm").exists()


def test_a_file_that_is_read_when_a_model_is_loaded_is_refused(copied, tmp_path):
    (tmp_path / "words.txt").write_text("a\nb")
    made = Model(lambda rows: None)
    made.words = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    shutil.rmtree(copied / "variables")
    tf.saved_model.save(made, copied, signatures=made.serve)
    sign(copied)
    with pytest.raises(UserError, match="an asset, a file that is read"):
        bundle.read(copied)


def edited(copied, edit):
    """Change the message of a bundle, sign it, and return what refuses it."""
    path = copied / bundle.SAVED_MODEL
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    edit(model.meta_graphs[0])
    path.write_bytes(model.SerializeToString(deterministic=True))
    sign(copied)
    with pytest.raises(UserError) as caught:
        bundle.read(copied)
    return str(caught.value)


def save_function(graph):
    """The name of the function that writes variables, wherever it is told to."""
    (node,) = [n for n in graph.graph_def.node if n.name + ":0" == graph.saver_def.save_tensor_name]
    return node.attr["f"].func.name


def test_the_savers_functions_are_for_the_saver_alone(copied):
    def by_signature(graph):
        entry = next(iter(graph.signature_def["serving_default"].outputs.values()))
        entry.name = graph.saver_def.save_tensor_name

    def by_function(graph):
        called = graph.graph_def.library.function[0].node_def.add(name="n", op="PartitionedCall")
        called.attr["f"].func.name = save_function(graph)

    def by_list(graph):
        called = graph.graph_def.library.function[0].node_def.add(name="n", op="StatelessCase")
        called.attr["branches"].list.func.add(name=save_function(graph))

    def by_object(graph):
        node = graph.object_graph_def.nodes.add()
        node.bare_concrete_function.concrete_function_name = save_function(graph)

    def by_control(graph):
        name = graph.saver_def.restore_op_name
        graph.graph_def.node.add(name="n", op="NoOp", input=[f"^{name}"])

    shutil.copy(copied / bundle.SAVED_MODEL, copied.parent / "kept")
    for edit, said in [
        (by_signature, "is used by something else than the saver"),
        (by_function, "n may not call the function __inference__traced_save"),
        (by_list, "n may not call the function __inference__traced_save"),
        (by_object, "is used by something else than the saver"),
        (by_control, "is used by something else than the saver"),
    ]:
        assert said in edited(copied, edit), edit.__name__
        shutil.copy(copied.parent / "kept", copied / bundle.SAVED_MODEL)


def test_what_the_saver_names_may_do_no_more_than_it_must(copied):
    def of(graph, name):
        return next(f for f in graph.graph_def.library.function if f.signature.name == name)

    def reads_when_saving(graph):
        of(graph, save_function(graph)).node_def.add(name="n", op="ReadFile")

    def writes_when_restoring(graph):
        name = graph.saver_def.restore_op_name
        (node,) = [n for n in graph.graph_def.node if n.name == name]
        of(graph, node.attr["f"].func.name).node_def.add(name="n", op="SaveV2")

    def names_another(graph):
        graph.graph_def.node.add(name="n", op="WriteFile")
        graph.saver_def.save_tensor_name = "n:0"

    shutil.copy(copied / bundle.SAVED_MODEL, copied.parent / "kept")
    for edit, said in [
        (reads_when_saving, "operation ReadFile"),
        (writes_when_restoring, "operation SaveV2"),
        (names_another, "operation WriteFile"),
    ]:
        assert said in edited(copied, edit), edit.__name__
        shutil.copy(copied.parent / "kept", copied / bundle.SAVED_MODEL)


def test_what_is_no_saved_model_is_said(copied):
    (copied / bundle.SAVED_MODEL).write_bytes(b"\x0a\xff\xff")
    sign(copied)
    with pytest.raises(UserError, match=r"saved_model.pb: the file: cannot be read"):
        bundle.read(copied)


def operations_of(name, **changes):
    described = Description(LABELS, name, 64, calibration=CURVES, **changes)
    network = networks.build(name, 2, image_size=64)
    found = set()
    for function in signatures.Servable(network, described).functions().values():
        graph = function.graph.as_graph_def()
        library = {f.signature.name: f.node_def for f in graph.library.function}
        for nodes in (graph.node, *library.values()):
            found |= {node.op for node in nodes}
    return found


def test_the_demo_network_has_no_operation_that_is_not_allowed(honest):
    assert operations.used((honest.path / bundle.SAVED_MODEL).read_bytes()) <= operations.COMPUTE
    assert operations_of("demo-cnn") <= operations.COMPUTE
    assert operations_of("demo-cnn", resize=RESIZE_WHOLE) <= operations.COMPUTE


# Of each family the first: the others repeat its blocks, more often and wider, and building them
# all would take minutes. A new family is found here.
FAMILIES = {
    re.sub(r"(-b\d|-[sml]|-small|-large|\d+)$", "", name): name for name in reversed(table.NETWORKS)
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*FAMILIES.values()} - {"demo-cnn"}))
def test_every_familys_operations_are_allowed(name):
    assert sorted(operations_of(name) - operations.COMPUTE) == []
