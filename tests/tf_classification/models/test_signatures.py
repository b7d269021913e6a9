"""The SavedModel says what the Python pipeline says."""

from __future__ import annotations

import io
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from database_tools.core.errors import UserError
from tf_classification.data import transforms
from tf_classification.models import bundle
from tf_classification.models.calibration import Calibration, CalibrationCurve
from tf_classification.models.description import RESIZE_WHOLE, Description

LABELS = ("fox", "deer", "red fox", "hare", "boar", "zebra")


def picture(height, width, seed, format="JPEG"):
    pixels = np.random.default_rng(seed).integers(0, 255, (height // 8 + 1, width // 8 + 1, 3))
    image = Image.fromarray(pixels.astype(np.uint8)).resize((width, height))
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


@pytest.fixture(scope="module", params=["temperature", "isotonic"])
def written(request, tmp_path_factory):
    from tf_classification.models import networks

    keras.utils.set_random_seed(1)
    network = networks.build("demo-cnn", len(LABELS), image_size=32)
    kernel, bias = network.get_layer("predictions").get_weights()
    network.get_layer("predictions").set_weights([kernel * 30, bias])  # sure of itself
    curves = (
        CalibrationCurve((0.0, 0.01, 0.5, 1.0), (0.0, 0.3, 0.6, 0.9)),
        CalibrationCurve((0.5,), (0.2,)),
    ) * 3
    calibration = Calibration(2.0, curves if request.param == "isotonic" else None)
    written = bundle.write(
        tmp_path_factory.mktemp("models"),
        network,
        Description(LABELS, "demo-cnn", 32, calibration=calibration),
    )
    return written, tf.saved_model.load(written.path)


def test_bytes_pixels_and_the_python_pipeline_agree(written):
    written, model = written
    sizes = [(40, 56), (80, 33), (32, 32), (9, 7), (300, 400), (1, 3000)]
    files = [picture(*size, seed) for seed, size in enumerate(sizes)]
    by_bytes = model.signatures["serving_default"](image_bytes=tf.constant(files))
    pixels = tf.stack([transforms.decode_for_evaluation(f, 32, shrink=True) for f in files])
    by_pixels = model.signatures["serving_pixels"](pixels=pixels)
    expected = written.description.calibration.probabilities(written.network()(pixels).numpy())
    np.testing.assert_allclose(by_bytes["probabilities"], expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(by_pixels["probabilities"], expected, rtol=0, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.01, "the pictures must not all look the same"


def test_names_stand_beside_their_probabilities(written):
    _, model = written
    answer = model.signatures["serving_default"](image_bytes=tf.constant([picture(40, 56, 0)] * 2))
    answer = {name: value.numpy() for name, value in answer.items()}
    assert answer["classes"].tolist() == [[name.encode() for name in LABELS]] * 2
    order = np.argsort(-answer["probabilities"][0], kind="stable")[:5]
    assert answer["top_classes"][0].tolist() == [LABELS[i].encode() for i in order]
    np.testing.assert_array_equal(answer["top_probabilities"][0], answer["probabilities"][0][order])
    np.testing.assert_allclose(answer["probabilities"].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("format", ["PNG", "GIF", "BMP"])
def test_other_formats_than_jpeg_are_decoded(written, format):
    _, model = written
    serve = model.signatures["serving_default"]
    answer = serve(image_bytes=tf.constant([picture(40, 40, 0, format)]))["probabilities"]
    assert answer.shape == (1, len(LABELS))


def test_no_output_would_be_sent_in_base64_and_all_have_a_row_for_each_picture(written):
    _, model = written
    for signature in ("serving_default", "serving_pixels"):
        for name, spec in model.signatures[signature].structured_outputs.items():
            assert not name.endswith("_bytes")
            assert spec.shape.rank == 2


def test_an_old_bundle_prepares_its_pictures_from_whole_ones():
    from tf_classification.models import description, signatures

    large = picture(300, 400, 0)
    old = Description(LABELS, "demo-cnn", 32, resize=RESIZE_WHOLE)
    whole = signatures.decoder(old)(large, 32).numpy()
    np.testing.assert_array_equal(whole, transforms.decode_for_evaluation(large, 32).numpy())
    now = signatures.decoder(Description(LABELS, "demo-cnn", 32))(large, 32).numpy()
    assert 0 < abs(now - whole).mean() < 1
    slim = replace(old, resize=description.RESIZE_SLIM)
    with pytest.raises(UserError, match="by its bundle only"):
        signatures.decoder(slim)
