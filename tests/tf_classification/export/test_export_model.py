"""The command: a bundle from a training run, other formats from a bundle, and their table."""

from __future__ import annotations

import csv
import importlib.util
import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from database_tools.core.errors import FormatError
from database_tools.formats import label_index, splits_json
from tf_classification import export_model, predictor
from tf_classification.models import bundle
from tf_classification.models.calibration import Calibration
from tf_classification.models.description import Description
from tf_classification.runs.config import TrainConfig

LABELS = ("blue", "red")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """12 validation crops, blue or red, and one that is broken."""
    folder = tmp_path_factory.mktemp("dataset")
    crops = folder / "crops"
    crops.mkdir()
    rows = ["path,dataset,location,dataset_class,confidence,label"]
    for i in range(16):
        name = LABELS[i % 2]
        colour = {"blue": (20, 30, 220), "red": (220, 30, 20)}[name]
        Image.new("RGB", (30 + i, 40), colour).save(crops / f"{i}.jpg")
        rows.append(f"{i}.jpg,ds,{'a' if i < 4 else 'b'},,1.0,{name}")
    (crops / "9.jpg").write_bytes(b"broken")
    (folder / "classification_ds.csv").write_text("\n".join(rows) + "\n")
    label_index.write(folder / "label_index.json", LABELS)
    places = {"train": [("ds", "a")], "val": [("ds", "b")], "test": []}
    splits_json.write(folder / "splits.json", places)
    return folder


@pytest.fixture(scope="module")
def network():
    """A demo network that says red when its last features say so, whatever it has learnt."""
    import keras

    from tf_classification.models import networks

    keras.utils.set_random_seed(4)
    return networks.build("demo-cnn", 2, image_size=32)


@pytest.fixture(scope="module")
def source(dataset, network, tmp_path_factory):
    parameters = {"dataset_dir": str(dataset), "cropped_images_dir": str(dataset / "crops")}
    described = Description(
        LABELS, "demo-cnn", 32, calibration=Calibration(2.0), parameters=parameters
    )
    return bundle.write(tmp_path_factory.mktemp("models") / "model", network, described)


def installed(*packages):
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


def test_formats_are_written_with_a_description_and_a_table(source, tmp_path, capsys, monkeypatch):
    installed("ai_edge_litert")
    monkeypatch.setattr("tf_classification.export.comparison._CPU_SECONDS", 0.01)
    argv = [str(source.base), "-o", str(tmp_path), "--format", "litert", "litert-int8"]
    assert export_model.main(argv) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "backbone.weights.h5",
        "formats.csv",
        "model.json",
        "model.tflite",
        "model_int8.tflite",
    ]
    facts = json.loads((tmp_path / "model.json").read_text())
    assert facts["labels"] == list(LABELS)
    assert facts["calibration"]["temperature"] == 2.0
    assert facts["files"]["litert-int8"] == "model_int8.tflite"
    assert list(facts["resizes"]) == ["model_int8.tflite"]
    assert facts["resizes"]["model_int8.tflite"] == f"{facts['resize']}; to whole grey levels"
    with (tmp_path / "formats.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["savedmodel", "litert", "litert-int8"]
    assert {row["crops"] for row in rows} == {"11"}  # the broken one is passed over
    for row in rows:
        assert float(row["agreement"]) == 1
        assert float(row["difference"]) < (0.05 if row["name"] == "litert-int8" else 1e-5)
        assert float(row["per_cpu_second"]) > 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[1:4]] == [row["name"] for row in rows]

    again = ["--format", "litert", "--compared-crops", "1", "--calibration-crops", "1"]
    assert export_model.main([*argv[:3], *again]) == 0
    paths = [tmp_path / name for name in ("model.tflite", "model_int8.tflite")]
    contents = [path.read_bytes() for path in paths]
    for path, other in zip(paths, reversed(contents), strict=True):
        assert predictor.open(path).labels == LABELS, "each run adds to what the folder has"
        path.write_bytes(other)
        with pytest.raises(FormatError, match=f"fingerprints.{path.name}: it was changed"):
            predictor.open(path)


def test_a_training_run_becomes_a_bundle_once(dataset, network, tmp_path):
    config = TrainConfig(
        dataset_dir=str(dataset),
        cropped_images_dir=str(dataset / "crops"),
        model_name="demo-cnn",
        image_size=32,
    )
    (tmp_path / "params.json").write_text(json.dumps(asdict(config)))
    network.save_weights(tmp_path / "best.weights.h5")
    out = tmp_path / "exported"
    argv = [str(tmp_path / "params.json"), str(tmp_path / "best.weights.h5"), "-o", str(out)]
    assert export_model.main(argv) == export_model.main(argv) == 0
    assert [path.name for path in (out / "bundle").iterdir()] == ["1"]
    written = bundle.read(out / "bundle")
    assert written.description.labels == LABELS
    assert written.description.parameters["model_name"] == "demo-cnn"
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(written.network()(pixels), network(pixels), rtol=0, atol=1e-6)


def test_an_export_has_the_runs_calibration_only_for_the_weights_it_is_of(
    dataset, network, tmp_path, capsys
):
    import keras

    from tf_classification.models import networks

    folders = {"dataset_dir": str(dataset), "cropped_images_dir": str(dataset / "crops")}
    config = TrainConfig(**folders, model_name="demo-cnn", image_size=32)
    (tmp_path / "params.json").write_text(json.dumps(asdict(config)))
    fitted = {"calibration": Calibration(1.7), "thresholds": {"red": 0.9}}
    described = Description(LABELS, "demo-cnn", 32, **fitted)
    network.save_weights(tmp_path / "best.weights.h5")
    keras.utils.set_random_seed(5)
    networks.build("demo-cnn", 2, image_size=32).save_weights(tmp_path / "ckpt_1.weights.h5")

    def exported(name):
        argv = [str(tmp_path / "params.json"), str(tmp_path / name), "-o", str(tmp_path / "out")]
        assert export_model.main(argv) == 0
        found = bundle.read(tmp_path / "out" / "bundle").description
        return found.calibration.temperature, dict(found.thresholds), capsys.readouterr().err

    temperature, thresholds, said = exported("best.weights.h5")
    assert (temperature, thresholds) == (1, {})
    assert "neither calibration nor thresholds" in said
    bundle.write(tmp_path / "bundle", network, described)
    temperature, thresholds, said = exported("best.weights.h5")
    assert (temperature, thresholds) == (1.7, {"red": 0.9})
    assert "neither" not in said
    temperature, thresholds, said = exported("ckpt_1.weights.h5")
    assert (temperature, thresholds) == (1, {})
    assert "neither calibration nor thresholds: those of" in said


def test_without_crops_float_formats_are_written_and_int8_is_refused(network, tmp_path, capsys):
    installed("ai_edge_litert")
    bare = bundle.write(tmp_path / "model", network, Description(LABELS, "demo-cnn", 32))
    argv = [str(bare.base), "-o", str(tmp_path / "out"), "--format"]
    assert export_model.main([*argv, "litert-int8"]) == 2
    assert "is calibrated on validation crops: give --dataset-dir" in capsys.readouterr().err
    assert export_model.main([*argv, "litert"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "backbone.weights.h5",
        "model.json",
        "model.tflite",
    ]
    assert capsys.readouterr().out == ""


def test_crops_of_other_labels_are_refused(source, dataset, tmp_path, capsys):
    installed("ai_edge_litert")
    other = tmp_path / "other"
    other.mkdir()
    for path in dataset.glob("*.[cj]s*"):
        (other / path.name).write_text(path.read_text().replace("red", "rouge"))
    argv = [str(source.base), "-o", str(tmp_path), "--format", "litert"]
    argv += ["--dataset-dir", str(other), "--cropped-images-dir", str(dataset / "crops")]
    assert export_model.main(argv) == 2
    assert "label 1 is 'rouge' but the model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["none", "-o", "x", "--format", "onnx"], "none: no such file or folder"),
        (["{model}", "-o", "x"], "is a folder: give --format to convert a model bundle"),
        (["{file}", "-o", "x"], "is a file: give its checkpoint too, or a model bundle"),
        (["{model}", "{file}", "-o", "x"], "a checkpoint goes with a params.json"),
        (
            ["{model}", "-o", "x", "--format", "onnx", "--dataset-dir", "d"],
            "give --dataset-dir and --cropped-images-dir, or --tfrecords, not both",
        ),
        (
            ["{model}", "-o", "x", "--format", "onnx", "--calibration-crops", "0"],
            "--calibration-crops must be at least 1, got 0",
        ),
    ],
)
def test_a_wrong_call_is_said_in_one_line(source, capsys, argv, message):
    paths = {"{model}": str(source.base), "{file}": str(source.weights)}
    assert export_model.main([paths.get(word, word) for word in argv]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_format_whose_package_is_missing_names_the_extra(source, capsys, monkeypatch):
    from tf_classification.export import table

    monkeypatch.setattr(table, "find_spec", lambda _: None)
    assert export_model.main([str(source.base), "-o", "x", "--format", "openvino"]) == 2
    expected = "--format openvino needs openvino: pip install 'tf-classification[openvino]'"
    assert expected in capsys.readouterr().err
