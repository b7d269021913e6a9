"""One call judges a classifier: files, figures, calibration, other labels, several devices."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from database_tools.core.errors import UserError
from database_tools.core.target_mapping import TargetMapping
from database_tools.formats import label_index
from tf_classification.evaluation.evaluate import EvaluationOptions, evaluate
from tf_classification.models.calibration import Calibration

SPLITS = ("train", "val", "test")
BROKEN = ["ds/test/2.jpg___crop01_mdv4.1.jpg", "ds/test/33.jpg___crop00_mdv4.1.jpg"]


@pytest.fixture(scope="module")
def judged(dataset, network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    return evaluate(network, dataset, SPLITS, folder, EvaluationOptions(batch_size=16)), folder


def rows_of(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", newline="") as stream:
        return list(csv.DictReader(stream))


def test_outputs_hold_each_readable_crop_once_and_in_order(judged, dataset):
    for split in SPLITS:
        found = [row["path"] for row in rows_of(judged[1] / f"outputs_{split}.csv.gz")]
        expected = [str(key) for key in dataset.splits[split].keys if str(key) not in BROKEN]
        assert found == expected


def test_the_ledger_names_the_crops_that_cannot_be_decoded(judged):
    ledger = json.loads((judged[1] / "evaluate_model_ledger.json").read_text())
    assert (ledger["total"], ledger["kept"]) == (198, 196)
    assert ledger["dropped"] == {"cannot be decoded": BROKEN}


@pytest.mark.parametrize("split", SPLITS)
def test_figures_follow_from_the_outputs(judged, split, read_outputs):
    folder = judged[1]
    read = read_outputs(folder / f"outputs_{split}.csv.gz")
    predicted = read.probabilities.argmax(axis=1)
    expected = sklearn_metrics.confusion_matrix(read.labels, predicted, labels=range(3))
    with np.load(folder / "confusion_matrices.npz") as matrices:
        assert np.array_equal(matrices[split], expected)
    row = next(r for r in rows_of(folder / "overall_metrics.csv") if r["split"] == split)
    right = read.labels == predicted
    assert float(row["acc_top1"]) == pytest.approx(100 * right.mean())
    assert float(row["acc_top3"]) == 100
    balanced = sklearn_metrics.balanced_accuracy_score(read.labels, predicted)
    assert float(row["acc_weighted_top1"]) == pytest.approx(100 * balanced)
    loss = -np.log(read.probabilities[np.arange(len(predicted)), read.labels])
    assert float(row["loss_weighted"]) == pytest.approx(np.average(loss, weights=read.weights))
    stats = [r for r in rows_of(folder / "label_stats.csv") if r["split"] == split]
    assert [r["label"] for r in stats] == list(read.label_names)
    recall = sklearn_metrics.recall_score(read.labels, predicted, average=None)
    assert [float(r["recall"]) for r in stats] == pytest.approx(recall)
    summary = json.loads((folder / "evaluation.json").read_text())["splits"][split]["all"]
    f1 = sklearn_metrics.f1_score(read.labels, predicted, average="macro")
    assert summary["macro_f1"]["value"] == pytest.approx(f1)
    low, high = summary["macro_f1"]["interval"]
    assert low <= f1 <= high


def test_locations_seen_in_training_and_new_ones_are_told_apart(judged, dataset):
    splits = json.loads((judged[1] / "evaluation.json").read_text())["splits"]
    assert splits["train"]["new"] is splits["val"]["seen"] is None
    test = splits["test"]
    assert (test["seen"]["locations"], test["new"]["locations"]) == (1, 3)
    assert test["seen"]["crops"] + test["new"]["crops"] == test["all"]["crops"] == 65
    assert test["seen"]["accuracy"]["interval"] is None  # one location


def test_calibration_finds_that_the_network_is_four_times_too_sure(dataset, network, tmp_path):
    found = evaluate(
        network, dataset, ["test"], tmp_path, EvaluationOptions(calibrate="temperature")
    )
    assert found.calibration.temperature == pytest.approx(4, rel=0.3)
    table = json.loads((tmp_path / "evaluation.json").read_text())
    assert list(table["splits"]) == ["test", "val"]  # fitted on val, so judged on it
    error = table["splits"]["test"]["calibration_error"]
    assert error["after"] < error["before"]
    assert list(found.thresholds) == list(dataset.label_names)
    # three locations of val promise nothing for a fourth
    assert set(found.thresholds.values()) == {None}
    assert table["splits"]["test"]["accepted"]["crops"] == {"coverage": 0, "precision": None}


def test_a_models_own_calibration_is_in_the_outputs(
    dataset, network, tmp_path, judged, read_outputs
):
    evaluate(network, dataset, ["train"], tmp_path, EvaluationOptions(calibration=Calibration(4.0)))
    calibrated = read_outputs(tmp_path / "outputs_train.csv.gz").probabilities
    plain = read_outputs(judged[1] / "outputs_train.csv.gz").probabilities.astype(np.float64)
    expected = plain ** (1 / 4)
    expected /= expected.sum(axis=1, keepdims=True)
    assert calibrated == pytest.approx(expected, abs=2e-3)
    assert calibrated.max(axis=1).mean() < plain.max(axis=1).mean()


def test_two_runs_give_the_same_bytes(dataset, network, tmp_path):
    for name in ("a", "b"):
        evaluate(network, dataset, ["test"], tmp_path / name, EvaluationOptions(batch_size=32))
    files = sorted(f.name for f in (tmp_path / "a").iterdir())
    assert files == sorted(f.name for f in (tmp_path / "b").iterdir())
    assert "report.html" in files
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def mapped(targets, groups):
    return EvaluationOptions(
        mapping=TargetMapping(targets, groups),
        calibration=Calibration(2.0),
        training_locations="unknown",
    )


def test_other_labels_are_judged_by_the_sum_of_probabilities(
    dataset, network, tmp_path, read_outputs
):
    targets = (*dataset.label_names, "other")
    # what the network calls a hare is another animal, and a hare is never predicted
    evaluate(network, dataset, ["test"], tmp_path, mapped(targets, ((0,), (1,), (), (2,))))
    evaluate(
        network,
        dataset,
        ["test"],
        tmp_path / "own",
        EvaluationOptions(calibration=Calibration(2.0)),
    )
    found = read_outputs(tmp_path / "outputs_test.csv.gz")
    own = read_outputs(tmp_path / "own" / "outputs_test.csv.gz")
    assert found.label_names == targets
    assert (found.probabilities[:, 2] == 0).all()
    assert found.probabilities[:, [0, 1, 3]] == pytest.approx(own.probabilities, abs=1e-6)
    assert label_index.read(tmp_path / "label_index.json") == targets
    summary = json.loads((tmp_path / "evaluation.json").read_text())
    assert summary["splits"]["test"]["new"] is None  # nobody knows where it was trained
    with np.load(tmp_path / "confusion_matrices.npz") as matrices:
        assert matrices["test"].shape == (4, 4)


def test_another_label_index_is_not_overwritten(dataset, network, tmp_path):
    label_index.write(tmp_path / "label_index.json", dataset.label_names)
    options = mapped((*dataset.label_names, "other"), ((0,), (1,), (2,), ()))
    with pytest.raises(UserError, match=r"is of other labels; choose another --output-dir"):
        evaluate(network, dataset, ["test"], tmp_path, options)
    assert label_index.read(tmp_path / "label_index.json") == dataset.label_names


def test_the_same_labels_need_no_label_index(dataset, network, tmp_path):
    options = mapped(dataset.label_names, ((2,), (0, 1), ()))
    evaluate(network, dataset, ["test"], tmp_path, options)
    assert not (tmp_path / "label_index.json").exists()


def test_impossible_requests_are_named(dataset, network, tmp_path):
    with pytest.raises(UserError, match="no split 'tset'; there are train, val, test"):
        evaluate(network, dataset, ["tset"], tmp_path)
    options = EvaluationOptions(mapping=None)
    more = type(dataset)(("a",), dataset.locations, dataset.splits, dataset.ledger)
    with pytest.raises(UserError, match="the model has 3 outputs but the dataset 1 labels"):
        evaluate(network, more, ["test"], tmp_path, options)
    assert not list(tmp_path.iterdir())


def test_a_split_without_a_readable_crop_is_named(dataset, network, tmp_path, make_examples):

    broken = make_examples("test", 3, [0], 0, broken=(0, 1, 2))
    none = make_examples("test", 0, [0], 0)
    for split, message in ((broken, "no picture of the split"), (none, "has no crop")):
        splits = {**dataset.splits, "test": split}
        other = type(dataset)(dataset.label_names, dataset.locations, splits, dataset.ledger)
        with pytest.raises(UserError, match=message):
            evaluate(network, other, ["test"], tmp_path)


def test_a_label_without_a_readable_crop_is_named(
    dataset, network, tmp_path, make_examples, caplog
):
    labels = make_examples("test", 40, [0], 0).labels
    lost = tuple(np.flatnonzero(labels == 2).tolist())
    splits = {**dataset.splits, "test": make_examples("test", 40, [0], 0, broken=lost)}
    other = type(dataset)(dataset.label_names, dataset.locations, splits, dataset.ledger)
    evaluate(network, other, ["test"], tmp_path)
    assert f"test: none of the {len(lost)} crops of 'hare' can be decoded" in caplog.text
    assert "of 'badger'" not in caplog.text


def test_a_network_that_gives_no_numbers_is_named(dataset, network, tmp_path):
    broken = replace(network, logits=lambda pixels: network.logits(pixels) * np.nan)
    with pytest.raises(UserError, match=r"gives no finite numbers for ds/test/0\.jpg___crop00"):
        evaluate(broken, dataset, ["test"], tmp_path)


DEVICES = """
import sys, tensorflow as tf
from pathlib import Path
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
sys.path.insert(0, sys.argv[1])
import conftest
from tf_classification.evaluation.evaluate import EvaluationOptions, evaluate
for number in (1, 3):
    devices = [f"CPU:{i}" for i in range(number)]
    strategy = tf.distribute.MirroredStrategy(devices) if number > 1 else None
    with strategy.scope() if strategy else tf.device("CPU:0"):
        network = conftest.as_network(conftest.build_model())
    folder = Path(sys.argv[2]) / str(number)
    options = EvaluationOptions(batch_size=16)
    evaluate(network, conftest.build_dataset(), ["val", "test"], folder, options, strategy)
"""


@pytest.mark.slow
def test_three_devices_give_the_same_figures(tmp_path, read_outputs, begin):
    (tmp_path / "devices.py").write_text(DEVICES)
    process = begin(tmp_path / "devices.py", Path(__file__).parent, tmp_path)
    assert process.wait() == 0, process.communicate()
    for split in ("val", "test"):
        one, three = (read_outputs(tmp_path / n / f"outputs_{split}.csv.gz") for n in "13")
        # 67 and 90 crops: the last batches, of 16 on one and of 18 on three, are not full
        assert three.keys == one.keys
        assert three.probabilities == pytest.approx(one.probabilities, abs=1e-6)
    for name in ("confusion_matrices.npz", "label_stats.csv"):
        contents = {(tmp_path / n / name).read_bytes() for n in "13"}
        assert len(contents) == 1
