"""From a checkpoint to a frozen graph, a bundle, and what is asked of them; tiny network."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from database_tools.core.crop_recipe import CropRecipe
from database_tools.formats import dataset_info
from database_tools.formats.dataset_info import DatasetInfo
from slim_legacy import (
    detect_and_predict_image,
    eval_frozen_graph,
    export_inference_graph,
    freeze_graph,
    predict_image,
)
from slim_legacy.inference import graphs
from slim_legacy.nets import nets_factory
from slim_legacy.preprocessing import inception
from slim_legacy.training import checkpoints
from tf_classification import predictor
from tf_classification.models import bundle
from tf_classification.predictor import frozen_graph

CLASSES = ["red fox", "roe deer", "badger"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, records_dir):
    """A folder with a random checkpoint, its class list, and the frozen graph."""
    folder = tmp_path_factory.mktemp("trained")
    network = nets_factory.build("tiny", 3)
    variables = nets_factory.variables(network)
    rng = np.random.default_rng(0)
    for name, variable in variables.items():
        if name.endswith(("beta", "moving_mean", "biases")):
            variable.assign(rng.normal(0, 0.5, variable.shape))
    checkpoints.save(folder, 9, {name: variable.value for name, variable in variables.items()})
    (folder / "classlist.txt").write_text("\n".join(CLASSES), encoding="utf-8")
    words = [f"--dataset_dir={records_dir}", "--dataset_name=auto", "--model_name=tiny"]
    graph = folder / "graph.pbtxt"
    export = [*words, f"--output_file={graph}", "--write_text_graphdef=True"]
    assert export_inference_graph.main(export) == 0
    freeze = [
        f"--input_graph={graph}",
        f"--input_checkpoint={folder}",
        f"--output_graph={folder / 'frozen.pb'}",
        "--input_node_names=input",
        "--output_node_names=output",
        "--clear_devices=True",
    ]
    assert freeze_graph.main(freeze) == 0
    return folder, network


@pytest.fixture(scope="module")
def crop(tmp_path_factory, make_jpeg):
    path = tmp_path_factory.mktemp("crop") / "crop.jpg"
    small = np.random.default_rng(5).integers(0, 256, (7, 9, 3)).astype(np.uint8)
    path.write_bytes(make_jpeg(np.asarray(Image.fromarray(small).resize((90, 70)))))
    return path


def expected(network, path):
    image = inception.for_evaluation(tf.io.read_file(str(path)), 32)
    return network(image[None])["Predictions"].numpy()[0]


def test_a_frozen_graph_computes_what_the_network_does(trained, crop):
    folder, network = trained
    graph = predictor.open(folder / "frozen.pb", folder / "classlist.txt")
    assert graph.labels == tuple(CLASSES)
    (found,) = graph.of_encoded([crop.read_bytes()])
    np.testing.assert_allclose(found, expected(network, crop), atol=1e-5)
    nodes = {node.name: node.op for node in frozen_graph.read(folder / "frozen.pb").node}
    assert nodes["input"] == "Placeholder"
    assert "output" in nodes
    assert not {"VariableV2", "VarHandleOp", "ReadVariableOp"} & set(nodes.values())


def test_the_inference_graph_has_variables_by_their_slim_names(trained, records_dir, tmp_path):
    words = [f"--dataset_dir={records_dir}", "--dataset_name=auto", "--model_name=tiny"]
    assert export_inference_graph.main([*words, f"--output_file={tmp_path / 'g.pb'}"]) == 0
    graph = frozen_graph.read(tmp_path / "g.pb")  # binary unless asked for text
    found = {node.name for node in graph.node if node.op == "VariableV2"}
    wanted = {name for name in nets_factory.variables(trained[1]) if "AuxLogits" not in name}
    assert found == wanted


def test_predict_image_prints_the_most_likely_classes(trained, crop, capsys):
    folder, network = trained
    words = ["--frozen_graph", str(folder / "frozen.pb"), "--classlist"]
    words += [str(folder / "classlist.txt"), "--image_path", str(crop)]
    assert predict_image.main(words) == 0
    best = sorted(zip(-expected(network, crop), CLASSES, strict=True))
    lines = [f'    "{name}" with confidence {-p:.2%}' for p, name in best]
    shown = capsys.readouterr().out.splitlines()
    assert shown == ["Prediction finished. Most likely classes:", *lines]


@pytest.fixture
def coco(tmp_path, make_jpeg, trained):
    """Six crops; the frozen graph's own answers are the labels of four of them."""
    _, network = trained
    images, annotations = [], []
    for i in range(6):
        pixels = np.random.default_rng(i).integers(0, 256, (40, 40, 3)).astype(np.uint8)
        (tmp_path / f"{i}.jpg").write_bytes(make_jpeg(pixels))
        answer = int(expected(network, tmp_path / f"{i}.jpg").argmax())
        label = answer if i < 4 else (answer + 1) % 3
        images.append({"id": i, "width": 40, "height": 40, "file_name": f"{i}.jpg"})
        annotations.append({"id": i, "image_id": i, "category_id": label})
    categories = [{"id": i, "name": name} for i, name in enumerate(CLASSES)]
    table = {"images": images, "categories": categories, "annotations": annotations}
    (tmp_path / "test.json").write_text(json.dumps(table), encoding="utf-8")
    return tmp_path


def test_eval_frozen_graph_counts_right_answers(trained, coco, capsys):
    words = ["--frozen_graph", str(trained[0] / "frozen.pb"), "--coco_style_output", str(coco)]
    assert eval_frozen_graph.main(words) == 0
    assert capsys.readouterr().out == "Final result is 66.67% top-1 accuracy\n"


def test_a_missing_crop_is_left_out_and_counted(trained, coco, capsys):
    (coco / "5.jpg").unlink()  # one of the two wrong ones
    words = ["--frozen_graph", str(trained[0] / "frozen.pb"), "--coco_style_output", str(coco)]
    assert eval_frozen_graph.main(words) == 0
    shown = capsys.readouterr()
    assert shown.out == "Final result is 80.00% top-1 accuracy\n"
    assert "1 of 6 crops were left out" in shown.err


@pytest.fixture(scope="module")
def bundled(trained, tmp_path_factory):
    folder, _ = trained
    base = tmp_path_factory.mktemp("bundle")
    words = [f"--checkpoint_path={folder}", f"--classlist={folder / 'classlist.txt'}"]
    words += ["--format=bundle", "--model_name=tiny", f"--output_file={base}"]
    assert export_inference_graph.main(words) == 0
    return base


def test_a_bundle_keeps_the_recipe_of_its_dataset(trained, tmp_path):
    folder, _ = trained
    counts = {"train": (1, 1, 1), "test": (0, 0, 0)}
    recipe = CropRecipe.of_2019(1.69)
    dataset_info.write(tmp_path, DatasetInfo(tuple(CLASSES), counts, recipe=recipe))
    words = [f"--checkpoint_path={folder}", f"--classlist={folder / 'classlist.txt'}"]
    words += ["--format=bundle", "--model_name=tiny", f"--output_file={tmp_path / 'model'}"]
    for more, known in ([], None), ([f"--dataset_dir={tmp_path}"], recipe):
        assert export_inference_graph.main([*words, *more]) == 0
        assert bundle.read(tmp_path / "model").description.crop_recipe == known


def test_a_bundle_answers_bytes_as_slims_evaluation_does(trained, bundled, crop):
    model = tf.saved_model.load(str(bundled / "1"))
    answer = model.signatures["serving_default"](image_bytes=tf.constant([crop.read_bytes()]))
    np.testing.assert_allclose(answer["probabilities"][0], expected(trained[1], crop), atol=1e-5)
    assert [name.decode() for name in answer["classes"].numpy()[0]] == CLASSES


def test_a_bundle_says_how_its_pixels_are_made_and_that_it_cannot_be_rebuilt(bundled):
    from database_tools.core.errors import UserError
    from tf_classification.models.description import RESIZE_SLIM

    found = bundle.read(bundled)
    assert found.description.labels == tuple(CLASSES)
    assert found.description.resize == RESIZE_SLIM
    assert found.description.network == "slim/tiny"
    with pytest.raises(UserError, match="cannot be built anew"):
        found.network()


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A frozen graph of the Object Detection API that always finds an animal and a person."""
    path = tmp_path_factory.mktemp("detector") / "detector.pb"
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, (None, None, None, 3), "image_tensor")
        rows = tf.ones((tf.shape(images)[0], 1))
        boxes = [[[0.25, 0.25, 0.75, 0.5], [0.0, 0.6, 0.5, 1.0]]]
        tf.tile(tf.constant(boxes), (tf.shape(images)[0], 1, 1), name="detection_boxes")
        tf.identity(rows * [[0.9, 0.95]], name="detection_scores")
        tf.identity(rows * [[1.0, 2.0]], name="detection_classes")
        tf.identity(rows[:, 0] * 2, name="num_detections")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.fixture
def photograph(tmp_path):
    path = tmp_path / "elk.jpg"
    Image.fromarray(np.full((200, 300, 3), 90, np.uint8)).save(path)
    return path


def annotate(detector, classifier, *words):
    return detect_and_predict_image.main([str(detector), str(classifier), *map(str, words)])


def changed(path):
    """Where the annotated copy of the grey photograph is not grey: (200, 300) bool."""
    return np.abs(np.asarray(Image.open(path)).astype(int) - 90).max(axis=2) > 60


@pytest.mark.parametrize("kind", ["frozen graph", "bundle"])
def test_animals_are_drawn_by_both_kinds_of_classifier(
    kind, detector, trained, bundled, photograph, capsys
):
    folder = trained[0]
    if kind == "bundle":
        status = annotate(detector, bundled, "--image_file", photograph)
    else:
        names = ["--classes_file", folder / "classlist.txt"]
        status = annotate(detector, folder / "frozen.pb", *names, "--image_file", photograph)
    assert status == 0
    written = photograph.with_name("elk_detections.jpg")
    assert capsys.readouterr().out == f"{written}\n"
    marks = changed(written)
    assert marks[50:150, 75].mean() > 0.9  # left side of the animal's box
    assert marks[150, 75:150].mean() > 0.9  # its lower side
    assert not marks[10:100, 290:].any()  # the person is neither classified nor drawn


def test_people_are_drawn_when_they_are_asked_for(detector, bundled, photograph):
    words = ["--image_file", photograph, "--detection_category", "any"]
    assert annotate(detector, bundled, *words) == 0
    assert changed(photograph.with_name("elk_detections.jpg"))[10:100, 290:].any()


def test_a_folder_is_annotated_without_its_annotated_and_broken_pictures(
    detector, bundled, photograph, capsys
):
    folder = photograph.parent
    shutil.copy(photograph, folder / "b.png.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "sub").mkdir()
    shutil.copy(photograph, folder / "sub" / "c.jpg")
    for _ in range(2):  # the second time, copies lie there
        assert annotate(detector, bundled, "--image_dir", folder, "--recursive") == 0
        shown = capsys.readouterr()
        names = [line.removeprefix(f"{folder}/") for line in shown.out.splitlines()]
        assert names == ["b.png_detections.jpg", "elk_detections.jpg", "sub/c_detections.jpg"]
        assert "1 of 4 pictures were left out" in shown.err


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        (export_inference_graph, ["--model_name=tiny"], "--output_file"),
        (export_inference_graph, ["--output_file=x"], "Name of network unknown inception_v3"),
        (
            export_inference_graph,
            ["--output_file=x", "--model_name=tiny", "--format=bundle"],
            "--format=bundle needs --checkpoint_path",
        ),
        (freeze_graph, ["--output_graph=x"], "--output_node_names is needed"),
        (
            freeze_graph,
            ["--output_graph=x", "--output_node_names=output", "--input_graph=/no/graph"],
            "/no/graph: no such graph",
        ),
        (
            predict_image,
            ["--frozen_graph=/no/graph", "--classlist=/no/list", "--image_path=/no/image"],
            "/no/list: no such file",
        ),
        (
            detect_and_predict_image,
            ["/no/detector", "/no/classifier", "--image_file=x", "--threshold=90"],
            "--threshold must be in [0, 1], got 90.0",
        ),
        (
            detect_and_predict_image,
            ["/no/detector", "/no/classifier.pb", "--image_file=x"],
            "/no/classifier.pb: no such model",
        ),
    ],
)
def test_a_mistake_is_one_line(command, words, message, capsys):
    assert command.main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_graph": "frozen.pb"}, "read as text, see --input_binary"),
        ({"output_node_names": "nothing"}, "nothing"),
        ({"input_node_names": "image_tensor"}, "has no node image_tensor"),
        ({"input_checkpoint": "/no/checkpoint"}, "/no/checkpoint: no such checkpoint"),
    ],
)
def test_a_graph_that_cannot_be_frozen_is_one_line(change, message, trained, tmp_path, capsys):
    folder, _ = trained
    flags = {
        "input_graph": "graph.pbtxt",
        "input_checkpoint": str(folder),
        "output_graph": str(tmp_path / "out.pb"),
        "output_node_names": "output",
        **change,
    }
    flags["input_graph"] = str(folder / flags["input_graph"])
    assert freeze_graph.main([f"--{name}={value}" for name, value in flags.items()]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_an_unfrozen_graph_and_a_wrong_class_list_are_refused(trained, crop, tmp_path, capsys):
    folder, network = trained
    graphs.write(tmp_path / "unfrozen.pb", graphs.inference_graph(network), as_text=False)
    classes = tmp_path / "classes.txt"
    classes.write_text("a\nb\n", encoding="utf-8")
    for graph, message in (
        (tmp_path / "unfrozen.pb", "not frozen"),
        (folder / "frozen.pb", "has 2 classes"),
        (crop, "not a GraphDef"),
    ):
        words = [f"--frozen_graph={graph}", f"--classlist={classes}", f"--image_path={crop}"]
        assert predict_image.main(words) == 2
        assert message in capsys.readouterr().err


def test_tensorflow_1_runs_the_frozen_graph(trained, crop):
    """What the original's predict_image.py does: a session, input:0, output:0."""
    folder, network = trained
    wanted = expected(network, crop)
    image = tf.image.decode_image(crop.read_bytes()).numpy() / np.float32(255)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.graph_util.import_graph_def(frozen_graph.read(folder / "frozen.pb"), name="")
        found = session.run("output:0", {"input:0": image})
    np.testing.assert_allclose(found[0], wanted, atol=1e-5)
