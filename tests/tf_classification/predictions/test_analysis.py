"""The command and the notebook: what a classifier did, from its outputs alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from database_tools.formats import classifier_csv
from tf_classification import analyze_classifier_results
from tf_classification.evaluation import outputs
from tf_classification.predictions import analysis
from tf_classification.runs.config import TrainConfig

LABELS = ("deer", "fox", "hare")
NOTEBOOK = Path(analyze_classifier_results.__file__).with_suffix(".ipynb")


@pytest.fixture
def logdir(tiny, tmp_path):
    """Of 15 crops in val and in test the first of each label is taken for the next one."""
    base, crops = str(tiny / "base"), str(tiny / "crops")
    config = TrainConfig(
        dataset_dir=base, cropped_images_dir=crops, model_name="demo-cnn", image_size=32
    )
    config.write(tmp_path)
    labels = np.arange(15) % 3
    predicted = np.where(np.arange(15) < 3, (labels + 1) % 3, labels)
    for split, place, sure in (("val", 4, ()), ("test", 5, range(9))):
        table = np.full((15, 3), 0.2, np.float32)
        table[np.arange(15), predicted] = 0.6
        for i in sure:
            table[i] = 0.0025
            table[i, predicted[i]] = 0.995
        path = tmp_path / outputs.file_name(split)
        with classifier_csv.writing(path, LABELS, labels=True, weights=True) as writer:
            keys = [f"demo/{place}/{i}.jpg" for i in range(15)]
            writer.write(keys, table, [LABELS[i] for i in labels], np.ones(15))
    fitted = {
        "labels": list(LABELS),
        "calibration": {"temperature": 2.0, "curves": None},
        "wanted_precision": 0.95,
        "thresholds": {"deer": 0.9, "fox": None, "hare": 0.9},
        "shared": [],
    }
    (tmp_path / "evaluation.json").write_text(json.dumps(fitted))
    return tmp_path


def test_the_page_is_the_report_with_the_surest_and_one_label_more(logdir, capsys):
    assert analyze_classifier_results.main([str(logdir), "--label", "fox"]) == 0
    page = (logdir / "analysis.html").read_text()
    # of the nine sure crops the first three are wrong
    assert "9 of 15 crops, 66.7% of them right" in page
    assert "0 of 15 crops" in page
    for heading in ("Labels", "What is taken for what", "Pictures of fox", "How to read this"):
        assert f"<h2>{heading}</h2>" in page
    assert page.count('alt="hare"') == 1
    assert "2 of 3 labels have a threshold" in page
    # of the five crops of each label four are right, and one of another label is taken for it
    printed = capsys.readouterr().out.splitlines()
    assert [line.split() for line in printed[:5]] == [
        ["val", "precision", "recall"],
        *([name, "0.800", "0.800"] for name in (*LABELS, "mean")),
    ]
    assert printed[6].split()[0] == "test"


def test_plain_softmax_is_had_back_from_the_temperature(logdir):
    (judged,) = analysis.read(logdir, ["val"]).evaluation.judgements
    assert float(judged.after.top.error) == pytest.approx(0.8 - 0.6, abs=1e-6)
    # At a temperature of 1, (.6, .2, .2) is their squares over the sum: .36 / .44.
    assert float(judged.before.top.error) == pytest.approx(0.36 / 0.44 - 0.8, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (lambda folder: None, ["--label", "wolf"], "no label 'wolf'; there are deer, fox, hare"),
        (lambda folder: None, ["--splits", "train"], "outputs_train.csv.gz: no such file"),
        (lambda folder: (folder / "params.json").unlink(), [], "no params.json"),
        (
            lambda folder: shutil.copy(
                folder / "outputs_val.csv.gz", folder / "outputs_test.csv.gz"
            ),
            [],
            "demo/4/0.jpg is not in the split",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(change, words, said, logdir, capsys):
    change(logdir)
    assert analyze_classifier_results.main([str(logdir), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (logdir / "analysis.html").exists()


@pytest.mark.slow
def test_the_notebook_runs_in_the_folder_of_a_run(logdir):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(logdir)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=where).execute()
    found = json.dumps(notebook)
    assert found.count("image/svg+xml") == 5
    assert "deer, taken for fox" in found
    assert "data:image/jpeg;base64," in found
