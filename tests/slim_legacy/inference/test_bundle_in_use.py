"""A slim bundle is asked, evaluated, calibrated and exported like any other."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from PIL import Image

from database_tools.core.crop_recipe import CropRecipe
from database_tools.formats import classification_csv, classifier_csv, label_index, splits_json
from database_tools.formats.classification_csv import Crop
from slim_legacy.inference import to_bundle
from slim_legacy.nets import nets_factory
from tf_classification import evaluate_model, export_model, predictor, run_classifier
from tf_classification.data import plain_pictures
from tf_classification.models import bundle
from tf_classification.models.calibration import Calibration
from tf_classification.runs.config import TrainConfig

LABELS = ("badger", "fox", "hare")
TEST = {f"{i}.jpg" for i in range(2, 24, 3)}
SPLITS = {"train": "0", "val": "1", "test": "2"}


@pytest.fixture(scope="module")
def network():
    made = nets_factory.build("tiny", 3)
    rng = np.random.default_rng(0)
    for name, variable in nets_factory.variables(made).items():
        if name.endswith(("beta", "moving_mean", "biases")):
            variable.assign(rng.normal(0, 0.5, variable.shape))
    return made


@pytest.fixture(scope="module")
def written(network, tmp_path_factory):
    base = tmp_path_factory.mktemp("models") / "slim"
    to_bundle.write(base, network, "tiny", LABELS, CropRecipe.of_2019(1.69))
    return bundle.read(base)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """24 crops of rough patterns, and the params.json of a run on them."""
    folder = tmp_path_factory.mktemp("dataset")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(24):
        place = str(i % 3)
        pixels = rng.integers(0, 256, (6, 5, 3)).astype(np.uint8)
        Image.fromarray(pixels).resize((50, 60)).save(folder / f"{i}.jpg")
        label = LABELS[i // 3 % 3]
        rows.append(Crop(f"{i}.jpg", "ds", place, label, 0.9, (label,)))
    classification_csv.write(folder / "classification_ds.csv", rows)
    label_index.write(folder / "label_index.json", LABELS)
    places = {split: frozenset({("ds", place)}) for split, place in SPLITS.items()}
    splits_json.write(folder / "splits.json", places)
    where = {"dataset_dir": str(folder), "cropped_images_dir": str(folder)}
    TrainConfig(**where, batch_size=8, num_workers=1).write(folder)
    return folder


@pytest.fixture(scope="module")
def expected(network, dataset):
    """What slim's own evaluation says of all crops: logits by path."""
    from slim_legacy.preprocessing import inception

    pictures = [
        inception.for_evaluation((dataset / f"{i}.jpg").read_bytes(), 32) for i in range(24)
    ]
    logits = network(np.stack(pictures))["Logits"].numpy()
    return {f"{i}.jpg": row for i, row in enumerate(logits)}


def test_it_tells_what_slims_evaluation_does(written, dataset, expected):
    model = predictor.open(written.base)
    assert model.crop_recipe == CropRecipe.of_2019(1.69)
    crops = [(dataset / name).read_bytes() for name in expected]
    assert all(map(plain_pictures.is_plain, crops))
    pixels = [model.pixels(crop) for crop in crops]
    logits = np.stack(list(expected.values()))
    assert np.ptp(logits, axis=0).max() > 0.1, "the crops must not all look the same"
    np.testing.assert_allclose(model.logits(pixels), logits, rtol=0, atol=1e-4)
    probabilities = Calibration().probabilities(logits)
    np.testing.assert_allclose(model.of_encoded(crops), probabilities, rtol=0, atol=1e-5)
    np.testing.assert_allclose(model.of_pixels(pixels), probabilities, rtol=0, atol=1e-5)
    assert len(model.features(pixels)) == 24


def test_run_classifier_takes_it(written, dataset, expected, tmp_path):
    words = [written.base, dataset, tmp_path / "out.csv", "--image-size", "32"]
    assert run_classifier.main([*map(str, words)]) == 0
    with classifier_csv.reading(tmp_path / "out.csv") as table:
        assert table.label_names == LABELS
        rows = next(iter(table))
    assert sorted(rows.paths) == sorted(expected)
    said = Calibration().probabilities(np.stack([expected[name] for name in rows.paths]))
    np.testing.assert_allclose(rows.probabilities, said, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_it_is_evaluated_and_calibrated(written, dataset, expected, tmp_path):
    words = [dataset / "params.json", written.base, "--output-dir", tmp_path, "--calibrate"]
    assert evaluate_model.main([*map(str, words), "--splits", "test"]) == 0
    found = bundle.read(written.base)
    assert found.version == written.version + 1
    assert found.description.calibration.temperature != 1
    said = found.description.calibration.probabilities(np.stack(list(expected.values())))
    crops = [(dataset / name).read_bytes() for name in expected]
    asked = predictor.open(found.path).of_encoded(crops)
    np.testing.assert_allclose(asked, said, rtol=0, atol=1e-5)
    of_test = {name: row for name, row in zip(expected, said, strict=True) if name in TEST}
    with classifier_csv.reading(tmp_path / "outputs_test.csv.gz") as table:
        rows = next(iter(table))
    assert rows.paths == list(of_test)
    np.testing.assert_allclose(rows.probabilities, list(of_test.values()), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_it_is_exported_and_compared(written, dataset, expected, tmp_path, monkeypatch):
    for package in ("ai_edge_litert", "tf2onnx", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.setattr("tf_classification.export.comparison._CPU_SECONDS", 0.01)
    words = [written.path, "-o", tmp_path, "--dataset-dir", dataset]
    words += ["--cropped-images-dir", dataset, "--format", "litert", "litert-int8", "onnx"]
    assert export_model.main([str(word) for word in words]) == 0
    rows = [line.split(",") for line in (tmp_path / "formats.csv").read_text().splitlines()]
    table = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert list(table) == ["savedmodel", "litert", "litert-int8", "onnx"]
    assert float(table["litert"]["difference"]) < 1e-5
    assert float(table["onnx"]["difference"]) < 1e-5
    assert float(table["litert-int8"]["difference"]) < 0.05
    assert {row["crops"] for row in table.values()} == {"8"}
    model = predictor.open(tmp_path / "model.tflite")
    pixels = [predictor.open(written.path).pixels((dataset / n).read_bytes()) for n in expected]
    logits = np.stack(list(expected.values()))
    np.testing.assert_allclose(model.logits(pixels), logits, rtol=0, atol=1e-4)
