"""One crop through every way to ask a model gives one answer."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageFile

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError, UserError
from database_tools.imaging import UnreadableImage
from tf_classification import predictor
from tf_classification.data import plain_pictures
from tf_classification.models import bundle, networks, signatures
from tf_classification.models.calibration import Calibration
from tf_classification.models.description import (
    RESIZE,
    RESIZE_ROUNDED,
    RESIZE_SLIM,
    RESIZE_WHOLE,
    Description,
)
from tf_classification.predictor import preparation, stream

LABELS = ("fox", "deer", "hare")
DESCRIBED = Description(
    LABELS, "demo-cnn", 32, crop_recipe=CropRecipe.of_2019(1.3), calibration=Calibration(1.5)
)


def crop(width, height, kind="JPEG", mode="RGB", seed=0):
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3)).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(rough).resize((width, height)).convert(mode).save(content, kind)
    return content.getvalue()


# Some smaller than the network's input, some long, some so large that they are decoded smaller.
CROPS = [crop(40, 56), crop(9, 7), crop(300, 200), crop(43, 900), crop(32, 32, "PNG")]


@pytest.fixture(scope="module")
def network():
    tf.keras.utils.set_random_seed(1)
    made = networks.build("demo-cnn", 3, image_size=32)
    kernel, bias = made.get_layer("predictions").get_weights()
    made.get_layer("predictions").set_weights([kernel * 30, bias])  # sure of itself
    return made


@pytest.fixture(scope="module")
def written(network, tmp_path_factory):
    return bundle.write(tmp_path_factory.mktemp("models") / "demo", network, DESCRIBED)


@pytest.fixture(scope="module")
def opened(written):
    return predictor.open(written.base)


@pytest.fixture(scope="module")
def served(written):
    """What the signature of bytes answers, which TensorFlow Serving runs."""
    answer = tf.saved_model.load(written.path).signatures["serving_default"]
    found = answer(image_bytes=tf.constant(CROPS))["probabilities"].numpy()
    assert np.ptp(found, axis=0).max() > 0.1, "the crops must not all look the same"
    return found


@pytest.fixture(scope="module")
def tflite(network, tmp_path_factory):
    """A ``.tflite`` in float with its JSON, as ``export_model.py`` writes them."""
    if find_spec("ai_edge_litert") is None:
        pytest.skip("ai_edge_litert is not installed")
    from tf_classification.export import litert

    folder = tmp_path_factory.mktemp("exported")
    (folder / "model.tflite").write_bytes(litert.convert(network))
    facts = DESCRIBED.to_json() | {"files": {"litert": "model.tflite"}}
    (folder / "model.json").write_text(json.dumps(facts))
    return folder / "model.tflite"


def test_a_model_says_what_must_be_known_to_ask_it(opened, tflite):
    for model in (opened, predictor.open(tflite)):
        assert model.labels == LABELS
        assert model.image_size == 32
        assert model.crop_recipe == CropRecipe.of_2019(1.3)


def test_a_bundle_gives_one_answer_however_it_is_asked(opened, served):
    pixels = np.stack([opened.pixels(one) for one in CROPS])
    ways = {
        "encoded": opened.of_encoded(CROPS),
        "pixels": opened.of_pixels(pixels),
        "logits": DESCRIBED.calibration.probabilities(opened.logits(pixels)),
    }
    for found in ways.values():
        np.testing.assert_allclose(found, served, rtol=0, atol=1e-5)


def test_a_tflite_gives_the_same_answer_without_tensorflow(tflite, served):
    model = predictor.open(tflite)
    np.testing.assert_allclose(model.of_encoded(CROPS), served, rtol=0, atol=1e-5)


def test_an_int8_tflite_gives_its_own_answer_by_every_way(network, opened, tflite):
    from tf_classification.export import litert

    pixels = np.stack([opened.pixels(one) for one in CROPS])
    file = tflite.with_name("model_int8.tflite")
    file.write_bytes(litert.convert_int8(network, pixels))
    facts = DESCRIBED.to_json() | {"files": {"a": tflite.name, "b": file.name}}
    tflite.with_name("model.json").write_text(json.dumps(facts))
    model = predictor.open(file)
    # A hundredth of a grey level may fall to the other side of a step of int8.
    step = np.ptp(model.logits(pixels)) / 255
    ways = [model.logits(np.stack([model.pixels(one) for one in CROPS])), model.logits(pixels)]
    np.testing.assert_allclose(*ways, rtol=0, atol=3 * step)
    calibrated = DESCRIBED.calibration.probabilities(ways[0])
    np.testing.assert_allclose(model.of_encoded(CROPS), calibrated, rtol=0, atol=1e-6)


def test_streamed_logits_are_those_of_each_picture_by_itself(network, written, opened):
    broken = [*CROPS[:2], b"no picture", *CROPS[2:], b""]

    def reader(rows):
        return [broken[row] for row in rows]

    pixels = np.stack([opened.pixels(one) for one in CROPS])
    ways = (stream.of_keras(network, DESCRIBED), stream.of_bundle(written))
    for way in ways:
        parts = list(stream.stream(way, reader, len(broken), stream.Batches(4, 2)))
        rows, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        assert rows.tolist() == [0, 1, 3, 4, 5]
        np.testing.assert_allclose(values, opened.logits(pixels), rtol=0, atol=1e-4)


def test_features_are_what_the_last_layer_sees(network, opened):
    pixels = np.stack([opened.pixels(one) for one in CROPS])
    kernel, bias = network.get_layer("predictions").get_weights()
    found = opened.features(pixels) @ kernel + bias
    np.testing.assert_allclose(found, opened.logits(pixels), rtol=0, atol=1e-4)


def test_an_older_bundle_without_these_signatures_is_asked_through_its_network(
    written, served, monkeypatch
):
    older = predictor.open(written.base)
    for name in (signatures.LOGITS, signatures.PREPARED):
        monkeypatch.delitem(older.signatures, name)
    pixels = np.stack([older.pixels(one) for one in CROPS])
    np.testing.assert_allclose(older.of_encoded(CROPS), served, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        DESCRIBED.calibration.probabilities(older.logits(pixels)), served, rtol=0, atol=1e-5
    )
    assert older.features(pixels).shape == (5, 96)


@pytest.mark.parametrize("resize", [RESIZE, RESIZE_WHOLE])
@pytest.mark.parametrize("side", [32, 224])
def test_crops_are_prepared_alike_with_and_without_tensorflow(resize, side):
    described = Description(LABELS, "demo-cnn", side, resize=resize)
    decode = signatures.decoder(described)
    kinds = [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "LA")]
    others = [crop(60, 50, kind, mode) for kind, mode in [*kinds, ("PNG", "I;16"), ("GIF", "P")]]
    for one in [*CROPS, crop(801, 530), crop(1600, 1201, seed=2), *others]:
        plain = plain_pictures.plain(one)
        expected = decode(tf.constant(plain), side).numpy()
        np.testing.assert_allclose(preparation.prepare(plain, described), expected, atol=0.02)


def test_int8_takes_whole_grey_levels_half_a_level_off_at_most_on_average():
    exact, rounded = (Description(LABELS, "a", 64, resize=r) for r in (RESIZE, RESIZE_ROUNDED))
    for one in [*CROPS, crop(801, 530)]:
        found = preparation.prepare(one, rounded)
        np.testing.assert_array_equal(found, np.round(found))
        assert np.abs(found - preparation.prepare(one, exact)).mean() < 0.5


def test_the_description_beside_a_tflite_says_how_crops_of_each_file_are_resized(tflite, tmp_path):
    for resizes, whole_levels in [({}, False), ({"model.tflite": RESIZE_ROUNDED}, True)]:
        facts = json.loads(tflite.with_name("model.json").read_text())
        facts |= {"files": {"a": "model.tflite"}, "resizes": resizes}
        (tmp_path / "model.tflite").write_bytes(tflite.read_bytes())
        (tmp_path / "model.json").write_text(json.dumps(facts))
        pixels = predictor.open(tmp_path / "model.tflite").pixels(CROPS[0])
        assert (pixels == np.round(pixels)).all() == whole_levels
    (tmp_path / "model.json").write_text(json.dumps(facts | {"resizes": {"model.tflite": "so"}}))
    with pytest.raises(FormatError, match=r"resizes\.model\.tflite: resize must be"):
        predictor.open(tmp_path / "model.tflite")


FINGERPRINTS = {"description": "0", "model.tflite": "0"}


@pytest.mark.parametrize(
    ("content", "facts", "said"),
    [
        (None, {"labels": ["a", "b"], "num_labels": 2}, "num_labels: 2, but that of m.* is 3: ex"),
        (
            None,
            {"image_size": 64},
            r"image_size: \(1, 64, 64, 3\), but that of model\.tflite is \(1, 3",
        ),
        (None, {"files": ["model.tflite"]}, "files: must be an object"),
        (None, {"fingerprints": FINGERPRINTS}, r"fingerprints\.description: it was changed"),
        (b"no model", {}, r"model\.tflite: no \.tflite file that can be run"),
        (b"", {}, r"model\.tflite: no \.tflite file that can be run"),
    ],
)
def test_a_tflite_that_is_not_what_its_description_says_is_refused(
    content, facts, said, tflite, tmp_path
):
    table = json.loads(tflite.with_name("model.json").read_text()) | {"thresholds": {}} | facts
    (tmp_path / "model.tflite").write_bytes(tflite.read_bytes() if content is None else content)
    (tmp_path / "model.json").write_text(json.dumps(table))
    with pytest.raises(UserError, match=said) as refused:
        predictor.open(tmp_path / "model.tflite")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("filled_up", [False, True], ids=["refused", "filled up by Pillow"])
@pytest.mark.parametrize("content", [b"", b"no picture", CROPS[2][:2000]])
def test_what_is_no_picture_is_said_by_all(opened, tflite, content, filled_up, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", filled_up)
    for model in (opened, predictor.open(tflite)):
        with pytest.raises(UnreadableImage):
            model.pixels(content)
        with pytest.raises(UnreadableImage):
            model.of_encoded([CROPS[0], content])


def test_a_tflite_of_a_slim_network_takes_pixels_only():
    slim = Description(LABELS, "slim/tiny", 32, resize=RESIZE_SLIM)
    with pytest.raises(UserError, match="prepared by its bundle only"):
        preparation.prepare(CROPS[0], slim)


def test_a_worker_with_a_tflite_loads_no_tensorflow(tflite):
    program = (
        "import sys, pathlib; from tf_classification import predictor;"
        f"model = predictor.open(pathlib.Path({str(tflite)!r}));"
        f"assert model.of_encoded([{CROPS[0]!r}]).shape == (1, 3);"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_no_model_is_refused(tmp_path, tflite, written):
    (tmp_path / "a.pt").touch()
    (tmp_path / "classes.txt").write_text("fox\nhare\ndeer\n")
    with pytest.raises(UserError, match="no such model"):
        predictor.open(tmp_path / "none")
    with pytest.raises(UserError, match=r"import_pytorch_checkpoint\.py turns"):
        predictor.open(tmp_path / "a.pt")
    for path in (tflite, written.base):
        with pytest.raises(UserError, match="label 1 is 'hare' but the model"):
            predictor.open(path, tmp_path / "classes.txt")
    other = tflite.with_name("other.tflite")
    other.write_bytes(tflite.read_bytes())
    with pytest.raises(FormatError, match=r"other\.tflite is not among them"):
        predictor.open(other)
