"""The networks: shapes, names, preprocessing and what rebuilding changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tf_classification.models import efficientnet_lite, networks


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(
    "name",
    [
        "demo-cnn",
        "mobilenetv3-small",
        pytest.param("efficientnet-lite2", marks=pytest.mark.slow),
        pytest.param("efficientnet-b0", marks=pytest.mark.slow),
        pytest.param("efficientnetv2-b0", marks=pytest.mark.slow),
        pytest.param("resnet50", marks=pytest.mark.slow),
    ],
)
def test_a_network_gives_finite_float32_logits_from_raw_pixels(name):
    model = networks.build(name, 5, image_size=32, batchnorm_momentum=0.9, synchronized=True)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    logits = model(pixels).numpy()
    assert logits.shape == (2, 5)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert model.layers[-1].name == "predictions"
    norms = layers_of(model, keras.layers.BatchNormalization)
    assert {(layer.momentum, layer.synchronized) for layer in norms} == {(0.9, True)}


def test_demo_cnn_has_the_80376_parameters_that_its_measurements_were_made_with():
    # 3x3 convolutions 3-16-32-64-96 without bias, 4 numbers per BatchNorm channel, a dense layer
    convolutions = 9 * (3 * 16 + 16 * 32 + 32 * 64 + 64 * 96)
    assert networks.build("demo-cnn", 8).count_params() == convolutions + 4 * 208 + 97 * 8 == 80376


def test_every_network_of_the_table_is_in_keras_applications_or_our_own():
    bodies = {n.body for n in networks.NETWORKS.values()} - {"DemoCNN", *efficientnet_lite.SCALES}
    assert not [body for body in bodies if not hasattr(keras.applications, body)]


def test_imagenet_statistics_are_constants_of_the_graph():
    model = networks.build("efficientnet-b0", 2, image_size=32)
    scaled = keras.Model(model.input, model.get_layer("normalization").output)
    grey = np.full((1, 32, 32, 3), 127.5, "float32")
    expected = (0.5 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(scaled(grey)[0, 0, 0], expected, rtol=1e-5)


def test_symmetric_padding_moves_the_grid_of_strided_convolutions():
    model = networks.build("efficientnet-b0", 2, image_size=32, conv_padding="symmetric")
    paddings = [layer.padding for layer in layers_of(model, keras.layers.ZeroPadding2D)]
    assert set(paddings) == {((1, 1), (1, 1)), ((2, 2), (2, 2))}  # kernels of 3 and of 5


def test_padding_that_a_network_cannot_have_is_refused():
    with pytest.raises(ValueError, match="no padding that could be made symmetric"):
        networks.build("demo-cnn", 2, conv_padding="symmetric")


def test_mixed_precision_keeps_pixels_and_logits_in_float32():
    model = networks.build("demo-cnn", 2, dtype="mixed_bfloat16")
    assert model.get_layer("rescaling").compute_dtype == "float32"
    assert model.get_layer("conv2").compute_dtype == "bfloat16"
    assert model.get_layer("predictions").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    ("steps", "momentum"),
    [(1, 0.9), (10, 0.9), (50, 0.98), (100, 0.99), (100_000, 0.99)],
)
def test_batchnorm_averages_over_about_one_epoch(steps, momentum):
    assert networks.momentum_for(steps) == pytest.approx(momentum)
