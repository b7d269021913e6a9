"""The command: what it writes, exports, compares and refuses."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

from database_tools.formats import label_index, splits_json
from tf_classification import evaluate_model
from tf_classification.models import bundle
from tf_classification.runs.config import TrainConfig

LABELS = ("badger", "fox", "hare")
PLACES = {"train": "0", "val": "1", "test": "2"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A dataset of 36 grey crops, params.json, and a small network with random weights."""
    root = tmp_path_factory.mktemp("world")
    (root / "ds").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for i in range(36):
        split, label = ("train", "val", "test")[i // 12], i % 3
        pixels = np.clip(rng.normal(60 + 60 * label, 20, (40, 36, 3)), 0, 255).astype(np.uint8)
        name = f"ds/{i:02d}.jpg___crop00_mdv4.1.jpg"
        Image.fromarray(pixels).save(root / name)
        rows.append([name, "ds", PLACES[split], LABELS[label], 0.9, LABELS[label]])
    with (root / "classification_ds.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "dataset", "location", "dataset_class", "confidence", "label"])
        writer.writerows(rows)
    label_index.write(root / "label_index.json", LABELS)
    places = {split: frozenset({("ds", place)}) for split, place in PLACES.items()}
    splits_json.write(root / "splits.json", places)
    config = TrainConfig(
        dataset_dir=str(root),
        cropped_images_dir=str(root),
        model_name="demo-cnn",
        image_size=32,
        batch_size=8,
    )
    config.write(root / "log")
    network_of(config).save_weights(root / "log" / "ckpt_3.weights.h5")
    return root


def network_of(config, num_labels=3):
    import keras

    from tf_classification.models import networks

    keras.utils.set_random_seed(1)
    return networks.build(config.model_name, num_labels, image_size=config.size)


def call(world, ckpt, output_dir, *flags):
    params = world / "log" / "params.json"
    return evaluate_model.main([str(params), str(ckpt), "--output-dir", str(output_dir), *flags])


@pytest.fixture(scope="module")
def judged(world, tmp_path_factory):
    """The README's command."""
    folder = tmp_path_factory.mktemp("judged")
    flags = ("--splits", "train", "val", "test", "--batch-size", "16")
    assert call(world, world / "log" / "ckpt_3.weights.h5", folder, *flags) == 0
    return folder


@pytest.fixture(scope="module")
def exported(judged, world):
    return bundle.read(world / "log" / "ckpt_3_compiled")


def test_the_readmes_command_writes_all_files(judged):
    assert sorted(path.name for path in judged.iterdir()) == [
        "confusion_matrices.npz",
        "evaluate_model_ledger.json",
        "evaluation.json",
        "label_stats.csv",
        "outputs_test.csv.gz",
        "outputs_train.csv.gz",
        "outputs_val.csv.gz",
        "overall_metrics.csv",
        "report.html",
    ]
    with gzip.open(judged / "outputs_test.csv.gz", "rt") as stream:
        header, first = stream.readline().strip(), stream.readline()
    assert header == "path,label,weight,badger,fox,hare"
    assert first.startswith("ds/24.jpg___crop00_mdv4.1.jpg,badger,1.0,")


def test_weights_are_exported_beside_themselves_with_all_that_is_known(exported, judged):
    found = exported.description
    assert (found.labels, found.network, found.image_size) == (LABELS, "demo-cnn", 32)
    assert found.parameters["batch_size"] == 16
    summary = json.loads((judged / "evaluation.json").read_text())
    assert dict(found.thresholds) == summary["thresholds"]


@pytest.mark.slow
def test_without_splits_it_only_exports_and_does_not_repeat_itself(exported, world, tmp_path):
    shutil.copytree(world / "log", tmp_path / "log")
    ckpt = tmp_path / "log" / "ckpt_3.weights.h5"
    for expected in (2, 2):  # the first has no thresholds, so it differs; the second is the same
        assert call(world, ckpt, tmp_path / "out") == 0
        assert bundle.read(tmp_path / "log" / "ckpt_3_compiled").version == expected
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_bundle_gives_the_same_probabilities_as_its_weights(
    exported, judged, world, tmp_path, read_outputs
):
    assert call(world, exported.path, tmp_path, "--splits", "test") == 0
    ours, theirs = (read_outputs(folder / "outputs_test.csv.gz") for folder in (tmp_path, judged))
    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-6)
    assert bundle.read(exported.base).version == exported.version  # left as it is


@pytest.mark.slow
def test_a_keras_model_is_read_too(world, judged, tmp_path, read_outputs):
    from tf_classification.runs import config

    trained = config.read(world / "log" / "params.json")
    model = network_of(trained)
    model.load_weights(world / "log" / "ckpt_3.weights.h5")
    model.save(tmp_path / "m.keras")
    assert call(world, tmp_path / "m.keras", tmp_path / "out", "--splits", "test") == 0
    ours, theirs = (read_outputs(f / "outputs_test.csv.gz") for f in (tmp_path / "out", judged))
    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-6)
    assert bundle.is_bundle(tmp_path / "m_compiled")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_calibration_is_kept_in_the_next_version_of_a_bundle(exported, world, tmp_path, method):
    shutil.copytree(exported.base, tmp_path / "model")
    before = max(bundle.versions(tmp_path / "model"))
    flags = ("--calibrate", method) if method == "isotonic" else ("--calibrate",)
    assert call(world, tmp_path / "model", tmp_path / "out", *flags) == 0
    found = bundle.read(tmp_path / "model")
    assert found.version == before + 1
    summary = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert found.description.calibration.to_json(LABELS) == summary["calibration"]
    assert (found.description.calibration.curves is not None) == (method == "isotonic")
    assert found.description.calibration.temperature != 1


@pytest.mark.slow
def test_a_general_classifier_is_judged_by_a_bespoke_ones_labels(
    exported, world, tmp_path, read_outputs
):
    bespoke = tmp_path / "bespoke"
    shutil.copytree(world, bespoke, ignore=shutil.ignore_patterns("log"))
    table = (bespoke / "classification_ds.csv").read_text().replace(",hare\n", ",leporid\n")
    (bespoke / "classification_ds.csv").write_text(table.replace(",fox\n", ",leporid\n"))
    label_index.write(bespoke / "label_index.json", ("badger", "leporid"))
    mapping = {"leporid": ["hare"], "badger": ["badger"], "other": ["fox"]}
    (tmp_path / "map.json").write_text(json.dumps(mapping))
    flags = ["--splits", "test", "--target-mapping", str(tmp_path / "map.json")]
    flags += ["--dataset-dir", str(bespoke), "--model-name", "demo-cnn", "--num-workers", "1"]
    assert call(world, exported.path, tmp_path / "a", *flags) == 0
    found = read_outputs(tmp_path / "a" / "outputs_test.csv.gz")
    assert found.label_names == ("badger", "leporid", "other")
    assert label_index.read(tmp_path / "a" / "label_index.json") == found.label_names
    # weights that know no labels take them from the classifier's own label index
    ckpt = world / "log" / "ckpt_3.weights.h5"
    flags += ["--label-index", str(world / "label_index.json")]
    assert call(world, ckpt, tmp_path / "b", *flags) == 0
    again = read_outputs(tmp_path / "b" / "outputs_test.csv.gz")
    assert again.probabilities == pytest.approx(found.probabilities, abs=1e-6)


@pytest.mark.slow
def test_new_locations_are_known_by_the_training_runs_own_splits(exported, world, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(world, other, ignore=shutil.ignore_patterns("log"))
    places = {"train": "1", "val": "2", "test": "0"}  # tested where it was trained
    swapped = {split: frozenset({("ds", place)}) for split, place in places.items()}
    splits_json.write(other / "splits.json", swapped)
    flags = ("--splits", "val", "test", "--dataset-dir", str(other))
    assert call(world, exported.path, tmp_path / "out", *flags) == 0
    splits = json.loads((tmp_path / "out" / "evaluation.json").read_text())["splits"]
    assert splits["test"]["new"] is splits["val"]["seen"] is None
    assert splits["test"]["seen"]["crops"] == splits["val"]["new"]["crops"] == 12


def refused(capsys, world, ckpt, tmp_path, *flags):
    assert call(world, ckpt, tmp_path / "out", *flags) == 2
    error = capsys.readouterr().err
    assert error.startswith("evaluate_model.py: error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
    return error


def test_mistakes_are_named_before_the_work(world, tmp_path, capsys):
    ckpt = world / "log" / "ckpt_3.weights.h5"
    (tmp_path / "map.json").write_text("{}")
    mapping = ("--target-mapping", str(tmp_path / "map.json"))
    label_index.write(tmp_path / "index.json", LABELS[::-1])
    index = ("--label-index", str(tmp_path / "index.json"))
    (tmp_path / "old.pt").touch()
    test = ("--splits", "test")
    for path, flags, message in (
        (world / "log" / "ckpt_4.weights.h5", test, "no such checkpoint"),
        (tmp_path / "old.pt", test, "old.pt does not know its labels"),
        (tmp_path / "map.json", test, "expected a model bundle, .weights.h5 or .keras"),
        (ckpt, (*test, *mapping), "--target-mapping wants --label-index"),
        (ckpt, (*mapping, "--label-index", "x"), "--target-mapping wants --splits"),
        (ckpt, (*test, *mapping, "--calibrate"), "does not go with --target-mapping"),
        (ckpt, (*test, *index), "give --target-mapping to compare"),
        (ckpt, (*test, "--precision", "95"), "--precision must be above 0 and at most 1, got 95"),
        (ckpt, (*test, "--batch-size", "0"), "--batch-size must be at least 1"),
        (ckpt, (*test, "--dataset-dir", "x"), "x/label_index.json: no such file"),
        (ckpt, (*test, "--tfrecords", "x", "--dataset-dir", "y"), "--tfrecords does not go with"),
        (tmp_path, test, "is not a model bundle"),
    ):
        assert message in refused(capsys, world, path, tmp_path, *flags)


@pytest.mark.slow
def test_what_does_not_fit_together_is_named(exported, world, tmp_path, capsys):
    ckpt = world / "log" / "ckpt_3.weights.h5"
    error = refused(capsys, world, exported.path, tmp_path)
    assert "is a model bundle already; give --splits" in error
    flags = ("--splits", "test", "--model-name", "efficientnet-b0")
    assert "is of demo-cnn, not efficientnet-b0" in refused(
        capsys, world, exported.path, tmp_path, *flags
    )
    error = refused(capsys, world, ckpt, tmp_path, "--model-name", "mobilenetv3-small")
    assert "does not fit mobilenetv3-small: " in error
    assert "(with the 3 labels of" in error
    four = tmp_path / "four"
    shutil.copytree(world, four, ignore=shutil.ignore_patterns("log"))
    label_index.write(four / "label_index.json", ("antelope", *LABELS))
    flags = ("--splits", "test", "--dataset-dir", str(four))
    assert "has 4 labels but the model" in refused(capsys, world, exported.path, tmp_path, *flags)
    assert "with the 4 labels of" in refused(capsys, world, ckpt, tmp_path, *flags)


def test_params_of_an_unknown_version_are_named(world, tmp_path, capsys):
    table = asdict(replace(TrainConfig(dataset_dir="a", cropped_images_dir="b"), seed=1))
    (tmp_path / "params.json").write_text(json.dumps({**table, "cache_splits": []}))
    ckpt = str(world / "log" / "ckpt_3.weights.h5")
    assert evaluate_model.main([str(tmp_path / "params.json"), ckpt, "-o", str(tmp_path)]) == 2
    assert "cache_splits" in capsys.readouterr().err
