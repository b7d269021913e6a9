"""A ``.tflite`` embeds as the network that it was made from, and a head learns from that."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from database_tools.formats import classifier_csv
from tf_classification import embed_crops, predictor, train_head
from tf_classification.embeddings import index, store


@pytest.fixture(scope="module")
def int8(model, tiny, tmp_path_factory):
    """The network of ``model`` in int8, as ``export_model.py`` writes it."""
    pytest.importorskip("ai_edge_litert", reason="ai_edge_litert is not installed")
    from tf_classification.export import exporting
    from tf_classification.export.request import ExportRequest

    folder = tmp_path_factory.mktemp("exported")
    places = {"dataset_dir": tiny / "base", "cropped_images_dir": tiny / "crops"}
    counts = {"calibration_crops": 15, "compared_crops": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tf_classification.export.comparison._CPU_SECONDS", 0.01)
        exporting.export(ExportRequest(model, folder, ("litert-int8",), **places, **counts))
    return folder / "model_int8.tflite"


@pytest.fixture(scope="module")
def embedded(int8, tiny, tmp_path_factory):
    """Embeddings of the tiny dataset by it, made in a process that loads no TensorFlow."""
    folder = tmp_path_factory.mktemp("embedded")
    words = (tiny / "crops", "--dataset-dir", tiny / "base", "--model", int8)
    program = (
        "import sys; from tf_classification import embed_crops;"
        "assert embed_crops.main(sys.argv[1:]) == 0;"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    line = [sys.executable, "-c", program, *words, "--views", "2", "--output_dir", folder]
    subprocess.run([str(word) for word in line], check=True)
    return folder


def test_its_features_are_nearly_those_of_its_bundle(model, embedded, tiny):
    found, asked, name = index.open(embedded), predictor.open(model), "demo/5/3.jpg"
    assert (found.facts.file, found.facts.views) == ("model_int8.tflite", 2)
    plain = asked.pixels((tiny / "crops" / name).read_bytes())[None]
    expected = np.concatenate([asked.features(view) for view in (plain, plain[:, :, ::-1])])
    away = np.abs(found.features(found.rows([name]))[0] - expected).max() / np.ptp(expected)
    assert 1e-3 < away < 0.1


def test_a_head_learnt_from_them_is_judged_as_the_bundle_answers(embedded, tiny, tmp_path, capsys):
    words = (tiny / "base", tiny / "crops", "--embeddings", embedded, "--logdir", tmp_path)
    assert train_head.main([str(word) for word in words]) == 0
    assert "own network is asked about val and test" in capsys.readouterr().err
    [run] = [path for path in tmp_path.iterdir() if path.is_dir()]
    made = predictor.open(run / "bundle")
    with classifier_csv.reading(run / "outputs_test.csv.gz") as table:
        [batch] = table
    encoded = [(tiny / "crops" / path).read_bytes() for path in batch.paths]
    np.testing.assert_allclose(batch.probabilities, made.of_encoded(encoded), rtol=0, atol=1e-4)
    # in int8 it would have answered otherwise
    found, head = index.open(embedded), np.load(run / "head.npz")
    rows = found.features(found.rows(batch.paths)).mean(axis=1)
    logits = made.logits(np.stack([made.pixels(one) for one in encoded]))
    assert np.abs(rows @ head["kernel"] + head["bias"] - logits).max() > 1e-3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda facts: facts.pop("backbone"), "gives no features to learn from: export_model.py"),
        (lambda facts: facts.update(backbone="0"), f"backbone: {store.WEIGHTS} is another"),
    ],
)
def test_an_older_file_and_foreign_weights_are_one_line(int8, tiny, tmp_path, capsys, change, said):
    folder = shutil.copytree(int8.parent, tmp_path / "exported")
    facts = json.loads((folder / "model.json").read_text())
    del facts["fingerprints"]  # as of older files
    change(facts)
    (folder / "model.json").write_text(json.dumps(facts))
    words = (tiny / "crops", "--model", folder / int8.name, "--output_dir", tmp_path / "out")
    assert embed_crops.main([str(word) for word in words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
