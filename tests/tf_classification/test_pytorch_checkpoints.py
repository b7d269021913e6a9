"""Where a command wants a model, a PyTorch checkpoint is imported once."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from database_tools.formats import classification_csv, classifier_csv, label_index, splits_json
from database_tools.formats.classification_csv import Crop
from tf_classification import evaluate_model, run_classifier
from tf_classification.models import bundle, torch_files
from tf_classification.runs.config import TrainConfig

LABELS = ("deer", "fox", "hare")


@pytest.fixture
def mega(tmp_path, monkeypatch):
    """A checkpoint of EfficientNet-B0, three labels and four crops; the file itself is a sham."""
    from tf_classification.models import efficientnet_pytorch, networks

    weights = {}
    network = networks.build("efficientnet-b0", 3, conv_padding="symmetric")
    for layer, names in efficientnet_pytorch._pairs(network):
        for name, value in zip(names, layer.get_weights(), strict=True):
            axes = (2, 3, 0, 1) if layer.name.endswith("_dwconv") else (3, 2, 0, 1)
            order = axes if value.ndim == 4 else tuple(range(value.ndim))[::-1]
            weights[name] = np.transpose(value, order)
    (tmp_path / "mega.pt").write_bytes(b"sham")
    monkeypatch.setattr(torch_files, "read", lambda path: weights)
    label_index.write(tmp_path / "index_to_name.json", LABELS)
    crops = []
    for i in range(4):
        path = f"ds/{i}.jpg"
        (tmp_path / "ds").mkdir(exist_ok=True)
        Image.new("RGB", (230, 230), (60 * i, 90, 200 - 40 * i)).save(tmp_path / path)
        crops.append(Crop(path, "ds", str(i), LABELS[i % 3], 0.9, (LABELS[i % 3],)))
    classification_csv.write(tmp_path / "classification_ds.csv", crops)
    label_index.write(tmp_path / "label_index.json", LABELS)
    places = {"train": "0", "val": "1", "test": "23"}
    splits = {split: frozenset(("ds", n) for n in some) for split, some in places.items()}
    splits_json.write(tmp_path / "splits.json", splits)
    return tmp_path


@pytest.mark.slow
def test_a_checkpoint_becomes_a_bundle_beside_the_output_once(mega, capsys):
    words = [mega / "mega.pt", mega / "ds", mega / "out" / "all.csv"]
    words = [str(word) for word in words]
    assert run_classifier.main(words) == 2
    assert "does not know its labels" in capsys.readouterr().err
    words += ["--classifier-categories", str(mega / "index_to_name.json"), "--image-size", "224"]
    assert run_classifier.main(words) == 0
    assert "imported as the model bundle" in capsys.readouterr().err
    assert bundle.versions(mega / "out" / "mega") == [1]
    first = (mega / "out" / "all.csv").read_bytes()
    assert first.startswith(b"path,deer,fox,hare\n0.jpg,")
    assert run_classifier.main(words) == 0
    assert "imported" not in capsys.readouterr().err
    assert bundle.versions(mega / "out" / "mega") == [1]
    assert (mega / "out" / "all.csv").read_bytes() == first
    label_index.write(mega / "index_to_name.json", LABELS[::-1])
    assert run_classifier.main(words) == 2
    assert "label 0 is 'hare' but" in capsys.readouterr().err


@pytest.mark.slow
def test_a_checkpoint_is_judged_as_the_readme_does_it(mega, capsys):
    folder = str(mega)
    TrainConfig(dataset_dir=folder, cropped_images_dir=folder, model_name="demo-cnn").write(mega)
    (mega / "mapping.json").write_text('{"deer": ["deer"], "fox": ["fox"], "hare": ["hare"]}')
    words = [f"{folder}/params.json", f"{folder}/mega.pt", "--output-dir", f"{folder}/judged"]
    words += ["--splits", "test", "--target-mapping", f"{folder}/mapping.json"]
    words += ["--model-name", "efficientnet-b0", "--batch-size", "2"]
    assert evaluate_model.main([*words, "--label-index", f"{folder}/index_to_name.json"]) == 0
    assert "imported as the model bundle" in capsys.readouterr().err
    assert bundle.versions(mega / "judged" / "mega") == [1]
    with classifier_csv.reading(mega / "judged" / "outputs_test.csv.gz") as table:
        assert [path for rows in table for path in rows.paths] == ["ds/2.jpg", "ds/3.jpg"]
