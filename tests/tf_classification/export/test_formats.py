"""Every format gives the network's logits; int8 nearly."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def network():
    import keras

    from tf_classification.models import networks

    keras.utils.set_random_seed(1)
    network = networks.build("demo-cnn", 5, image_size=32)
    kernel, bias = network.get_layer("predictions").get_weights()
    network.get_layer("predictions").set_weights([kernel * 30, bias + np.arange(5)])
    return network


@pytest.fixture(scope="module")
def pixels():
    """Pictures that differ: each of one colour, with noise."""
    random = np.random.default_rng(0)
    colours = random.uniform(0, 255, (21, 1, 1, 3))
    return np.clip(colours + random.normal(0, 20, (21, 32, 32, 3)), 0, 255).astype(np.float32)


def write(name, network, pixels, folder):
    """Write a format and open it."""
    from tf_classification.export import exporting, onnx_file, openvino_file
    from tf_classification.export.crops import Sample
    from tf_classification.export.table import FORMATS
    from tf_classification.predictor.litert import LiteRTRunner

    for package in FORMATS[name].packages:
        pytest.importorskip(package, reason=f"{package} is not installed")
    path = folder / FORMATS[name].file
    exporting.write(name, network, path, Sample(pixels, np.zeros(len(pixels), np.int32)))
    others = {"onnx": onnx_file.OnnxRunner, "openvino": openvino_file.OpenVinoRunner}
    return others.get(name, LiteRTRunner)(path)


@pytest.mark.parametrize("name", ["litert", "onnx", "openvino"])
def test_a_float_format_gives_the_networks_logits(name, network, pixels, tmp_path):
    runner = write(name, network, pixels, tmp_path)
    expected = network(pixels).numpy()
    assert np.ptp(expected, axis=0).max() > 0.5
    np.testing.assert_allclose(runner(pixels), expected, rtol=0, atol=1e-4)
    np.testing.assert_allclose(runner(pixels[:1]), expected[:1], rtol=0, atol=1e-4)
    if name == "litert":  # second, what the last layer sees
        kernel, bias = network.get_layer("predictions").get_weights()
        said = runner(pixels, 1) @ kernel + bias
        np.testing.assert_allclose(said, expected, rtol=0, atol=1e-4)
    assert not list(tmp_path.glob(".*")), "nothing unfinished stays behind"


def test_int8_gives_nearly_the_networks_logits_with_a_smaller_file(network, pixels, tmp_path):
    runner = write("litert-int8", network, pixels, tmp_path)
    expected = network(pixels).numpy()
    shift = (runner(pixels) - expected).mean(axis=0)
    assert np.abs(shift).max() < 0.01 * np.ptp(expected), "rounding must not favour a label"
    assert not (network(pixels).numpy() - expected).any(), "the network itself is left alone"
    # a step of int8 is 1/255 of the range; a few of them add up over five layers
    steps = np.abs(runner(pixels) - expected).max() / np.ptp(expected) * 255
    assert 0 < steps < 12
    assert (tmp_path / "model_int8.tflite").stat().st_size < 2 * network.count_params()

    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(tmp_path / "model_int8.tflite"))
    floats = [d["name"] for d in interpreter.get_tensor_details() if d["dtype"] == np.float32]
    assert len(floats) == 3, "whole int8: only input and outputs are float"


@pytest.mark.parametrize(
    "name", ["demo-cnn", pytest.param("efficientnet-b0", marks=pytest.mark.slow)]
)
def test_a_litert_file_gives_labels_first_and_features_second(name, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="ai_edge_litert is not installed")
    from tf_classification.export import litert
    from tf_classification.models import networks
    from tf_classification.predictor.litert import LiteRTRunner

    network = networks.build(name, 5, image_size=32)
    path = tmp_path / "model.tflite"
    path.write_bytes(litert.convert(network))
    features = network.get_layer(networks.POOLED).output.shape[-1]
    assert LiteRTRunner(path).widths == (5, features)
