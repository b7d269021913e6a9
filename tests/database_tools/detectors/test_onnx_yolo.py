import json
import sys

import numpy as np
import pytest

from database_tools import detectors, run_tf_detector_batch
from database_tools.core.errors import UserError
from database_tools.detectors import class_names

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

BOX = [32, 32, 32, 16]  # centre, width, height in the 64 x 64 pixels of the input
LAYOUTS = {
    "v5": np.array([[[*BOX, 1, 0, 0.5, 0], *[[8, 8, 4, 4, 0, 1, 1, 1]] * 251]]),
    "v8": np.array([[[*BOX, 0, 0.5, 0]]]).transpose(0, 2, 1).repeat(84, axis=2),
    "nms": np.array([[[16, 24, 48, 40, 0.5, 1], [0, 0, 0, 0, 0, 0]]]),
}
NAMES = "{0: 'animal', 1: 'person', 2: 'vehicle'}"


def graph(path, outputs, names=NAMES, shape=("n", 3, 64, 64), dtype="float32", **metadata):
    """Write a graph that gives tables (1, rows, columns), times the picture's brightest value."""
    helper, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    constants, nodes, given = [], [], []
    for i, output in enumerate(outputs):
        constants.append(onnx.numpy_helper.from_array(output.astype(dtype), f"table{i}"))
        nodes.append(helper.make_node("Mul", [f"table{i}", "bright"], [f"output{i}"]))
        given.append(helper.make_tensor_value_info(f"output{i}", kind, None))
    one = onnx.numpy_helper.from_array(np.array([-1, 1, 1]), "one")
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["most"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["most", "one"], ["bright"]),
        *nodes,
    ]
    taken = [helper.make_tensor_value_info("images", kind, shape)]
    made = helper.make_graph(nodes, "yolo", taken, given, [one, *constants])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    if names is not None:
        metadata["names"] = names
    helper.set_model_props(model, metadata)
    path.write_bytes(model.SerializeToString())
    return path


WHITE = np.full((100, 200, 3), 255, np.uint8)


@pytest.mark.parametrize("kind", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_an_export_is_recognised_and_finds_the_box(tmp_path, kind, dtype):
    detector = detectors.open(graph(tmp_path / "md_v5a.0.0.onnx", [LAYOUTS[kind]], dtype=dtype))
    detector.check()
    assert detector.name == "md_v5a.0.0.onnx"
    assert detector.categories == {"1": "animal", "2": "person", "3": "vehicle"}
    [found, again] = detector.detect([WHITE, WHITE])
    assert found.categories == again.categories == ("2",)
    assert found.scores == pytest.approx([0.5])
    assert found.corners()[0].tolist() == [0.25, 0.25, 0.75, 0.75]


def test_pictures_of_all_sizes_go_in_batches(tmp_path):
    path = graph(tmp_path / "a.onnx", [LAYOUTS["nms"]])
    detector = detectors.open(path, 2)
    pictures = [WHITE, WHITE[:50], WHITE[:, :70]]
    assert [len(found) for found in detector.detect(pictures)] == [1, 1, 1]
    assert detector.batch_size == 2
    assert detectors.open(path, 3).fingerprint != detector.fingerprint
    one = graph(tmp_path / "one.onnx", [LAYOUTS["nms"]], shape=(1, 3, 64, 64))
    assert detectors.open(one, 8).batch_size == 1
    assert len(detectors.open(one, 8).detect(pictures)) == 3


@pytest.mark.parametrize("names", ["['elk', 'deer', 'fox']", "{2: 'fox', 0: 'elk', 1: 'deer'}"])
def test_names_of_the_metadata_are_the_categories(tmp_path, names):
    path = graph(tmp_path / "a.onnx", [LAYOUTS["v5"]], names)
    assert detectors.open(path).categories == {"1": "elk", "2": "deer", "3": "fox"}
    assert class_names.of(path) == {"1": "elk", "2": "deer", "3": "fox"}


def test_without_names_a_label_map_beside_it_has_them(tmp_path):
    path = graph(tmp_path / "a.onnx", [LAYOUTS["v5"]], None)
    assert detectors.open(path).categories is None
    (tmp_path / "a_label_map.pbtxt").write_text("item { id: 1 name: 'elk' }")
    assert detectors.open(path).categories == class_names.of(path) == {"1": "elk"}


@pytest.mark.parametrize(
    ("outputs", "given", "said"),
    [
        ([LAYOUTS["v5"]], {"task": "segment"}, "not a detector: its task is segment"),
        (
            [LAYOUTS["v5"]],
            {"names": "{0: 'a'}"},
            "(1, 252, 8) with 1 names of classes",
        ),
        ([LAYOUTS["v5"]], {"names": "__import__('os')"}, "its names of classes cannot be read"),
        ([LAYOUTS["v5"], LAYOUTS["v8"]], {}, 'its outputs are "output0" (1, 252, 8), "output1"'),
        ([np.ones((1, 2, 3))], {"names": None}, "not a YOLO detector: its outputs are"),
        ([LAYOUTS["v5"]], {"shape": (4, 3, 64, 64)}, "takes batches of exactly 4 pictures"),
        ([LAYOUTS["v5"]], {"shape": ("n", 3, "h", "w")}, "has no fixed size"),
        ([LAYOUTS["v5"]], {"shape": ("n", 64, 64, 3)}, "expected pictures, float (batch, 3, "),
        ([LAYOUTS["v5"]], {"dtype": "float64"}, "its input is tensor(double)"),
    ],
)
def test_what_is_no_yolo_detector_is_refused_with_the_reason(tmp_path, outputs, given, said):
    with pytest.raises(UserError) as error:
        detectors.open(graph(tmp_path / "a.onnx", outputs, **given))
    assert said in str(error.value)
    assert str(error.value).count("\n") == 0


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_text("no graph")
    with pytest.raises(UserError, match="not an ONNX graph that runs"):
        detectors.open(tmp_path / "a.onnx")


def test_scores_that_are_none_are_found_by_the_check(tmp_path):
    detector = detectors.open(graph(tmp_path / "a.onnx", [9 * LAYOUTS["v5"]]))
    with pytest.raises(UserError, match=r"a\.onnx: conf .* is not in \[0, 1\]"):
        detector.check()


def test_without_onnx_runtime_it_says_what_to_install(tmp_path, monkeypatch):
    path = graph(tmp_path / "a.onnx", [LAYOUTS["v5"]])
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"pip install 'tf-classification\[onnx\]'"):
        detectors.open(path)


def test_the_batch_command_takes_it(tmp_path, monkeypatch):
    from PIL import Image

    Image.fromarray(WHITE).save(tmp_path / "a.png")
    path = graph(tmp_path / "md_v5a.onnx", [LAYOUTS["v8"]])
    monkeypatch.chdir(tmp_path)
    assert run_tf_detector_batch.main([str(path), "a.png", "out.json"]) == 0
    table = json.loads((tmp_path / "out.json").read_text())
    assert table["info"]["detector"] == "md_v5a.onnx"
    assert table["images"][0]["detections"] == [
        {"category": "2", "conf": 0.5, "bbox": [0.25, 0.25, 0.5, 0.5]}
    ]
