"""The command: outputs, a CSV in any order and a model, on the same crops."""

from __future__ import annotations

import json

import numpy as np
import pytest

from database_tools.formats import classifier_csv
from tf_classification import compare_models
from tf_classification.evaluation import outputs
from tf_classification.runs.config import TrainConfig

LABELS = ("deer", "fox", "hare")


@pytest.fixture
def run(tiny, tmp_path):
    """A run that takes the first three crops of each of four locations for the next label."""
    folder, labels = tmp_path / "run", np.arange(60) % 3
    folder.mkdir()
    dataset = {"dataset_dir": str(tiny / "base"), "cropped_images_dir": str(tiny / "crops")}
    TrainConfig(**dataset, model_name="demo-cnn", image_size=32).write(folder)
    taken = np.where(np.arange(60) % 15 < 3, (labels + 1) % 3, labels)
    path, table = folder / outputs.file_name("train"), np.where(np.eye(3)[taken], 0.8, 0.1)
    with classifier_csv.writing(path, LABELS, labels=True, weights=True) as writer:
        true = [LABELS[i] for i in labels]
        writer.write(_keys(), table.astype(np.float32), true, np.ones(60))
    return folder


def _keys():
    return [f"demo/{place}/{i}.jpg" for place in range(4) for i in range(15)]


def _csv(path, wrong=(), names=("hare", "wolf", "fox", "deer"), keys=None):
    """Write right answers in another order of rows and labels, but for some, which are wolves."""
    keys = list(reversed(keys or _keys()))
    rows = np.zeros((len(keys), 4))
    for row, key in enumerate(keys):
        true = LABELS[int(key.split("/")[2][:-4]) % 3]
        rows[row, names.index("wolf" if key in wrong else true)] = 1
    with classifier_csv.writing(path, names) as table:
        table.write(keys, rows)
    return path


def _compare(*words):
    return compare_models.main([str(word) for word in words])


def test_two_outputs_are_compared_crop_by_crop(run, tmp_path, capsys):
    other = _csv(tmp_path / "other.csv.gz", wrong=["demo/0/14.jpg"])
    assert _compare(run, other, "--split", "train", "-o", tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    accuracy = found["figures"]["accuracy"]
    # 12 of 60 are wrong, then one
    assert (accuracy["first"], accuracy["second"]) == pytest.approx((48 / 60, 59 / 60))
    assert accuracy["verdict"] == "other.csv.gz is better"
    assert found["changed"] == {"right now": 12, "wrong now": 1, "wrong otherwise": 0}
    assert found["labels"]["wolf"]["recall"]["first"] is None
    assert found["by_location"][0] == {
        "location": ["demo", "0"], "crops": 15, "right": [12, 14]
    }  # fmt: skip
    printed = capsys.readouterr().out
    assert "60 crops of 4 locations, train" in printed
    assert "the second is better" in printed
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert page.count("<figure") == 13
    assert "demo/0/14.jpg: hare; first hare 80%, second wolf 100%" in page


def test_crops_that_one_of_them_has_not_are_counted_and_left_out(run, tmp_path, capsys):
    other = _csv(tmp_path / "other.csv", keys=[*_keys()[:50], "demo/9/1.jpg"])
    assert _compare(run, other, "--split", "train", "-o", tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert found["crops"] == 50
    assert found["not_compared"] == {"first_only": 10, "second_only": 0, "none": 0}
    assert "10 crops of the first only" in capsys.readouterr().err


def test_a_model_is_asked(run, tiny, tflite, tmp_path):
    other = _csv(tmp_path / "other.csv")
    words = ("--dataset-dir", tiny / "base", "--cropped-images-dir", tiny / "crops")
    out = tmp_path / "out"
    assert _compare(tflite, other, "--split", "train", *words, "-o", out) == 0
    found = json.loads((out / "comparison.json").read_text())
    assert found["crops"] == 60
    assert found["figures"]["accuracy"]["second"] == 1


def test_pictures_of_people_are_not_shown(run, tmp_path):
    names = ("hare", "person", "fox", "deer")
    keys = list(reversed(_keys()))
    rows = np.zeros((60, 4))
    rows[:, 1] = 1
    with classifier_csv.writing(tmp_path / "people.csv", names) as table:
        table.write(keys, rows)
    words = ("--split", "train", "-o", tmp_path / "out")
    assert _compare(run, tmp_path / "people.csv", *words) == 0
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "<figure" not in page
    assert "people are not shown" in page


@pytest.mark.parametrize(
    ("second", "words", "said"),
    [
        ("gone", [], "gone: no such folder of outputs, CSV or model"),
        ("run", ["--split", "val"], "run: no outputs_val.csv.gz; evaluate_model.py --splits val"),
        ("empty.csv", [], "no crop of train has an answer of both: 60 crops of the first only"),
        ("empty.csv", ["--cropped-images-dir", "x"], "give --dataset-dir (with"),
    ],
)
def test_what_cannot_be_compared_is_one_line(run, tmp_path, capsys, second, words, said):
    _csv(tmp_path / "empty.csv", keys=["demo/9/1.jpg"])
    words = ["--split", "train", *words, "-o", tmp_path / "out"]
    assert _compare(run, tmp_path / second, *words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "out").exists()


def test_without_params_the_dataset_must_be_named(tmp_path, capsys):
    one = _csv(tmp_path / "one.csv")
    assert _compare(one, one, "-o", tmp_path / "out") == 2
    assert "give --dataset-dir or --tfrecords" in capsys.readouterr().err
