"""A run keeps its labels: no command gives its network the names of a dataset that has changed."""

from __future__ import annotations

import numpy as np
import pytest

from database_tools.formats import (
    classification_csv,
    dataset_info,
    example,
    label_index,
    splits_json,
    tfrecord,
)
from tf_classification import evaluate_model, export_model, train_classifier
from tf_classification.models import bundle, networks
from tf_classification.runs.config import TrainConfig

LABELS = ("deer", "fox", "hare")
CHANGED = {
    ("fox", "deer", "hare"): "label 0 is 'fox', the run learnt 'deer' there",
    ("deer", "fox", "leporid"): "label 2 is 'leporid', the run learnt 'hare' there",
    ("badger", "deer", "fox", "hare"): "has 4 labels, the run learnt 3",
}
COMMANDS = {
    "export_model.py": lambda run: export_model.main(judged(run)),
    "evaluate_model.py": lambda run: evaluate_model.main(judged(run)),
    "evaluate_model.py --splits": lambda run: evaluate_model.main(
        [*judged(run), "--splits", "test"]
    ),
    "train_classifier.py": lambda run: train_classifier.main(["--resume", str(run)]),
}


def files(root):
    """Every file and when it was written; a lock is no work."""
    every = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {path: path.stat().st_mtime_ns for path in every}


def judged(run):
    return [str(run / "params.json"), str(run / "best.weights.h5"), "-o", str(run / "out")]


@pytest.fixture(scope="module")
def network():
    return networks.build("demo-cnn", len(LABELS), image_size=32)


class Run:
    """A run on the tiny dataset, whose files can be made anew with other labels."""

    def __init__(self, root, tiny, network, kind):
        self.root, self.kind, self.crops = root, kind, tiny / "crops"
        self.rows = list(classification_csv.read(tiny / "base" / "classification_ds.csv"))
        self.splits = splits_json.read(tiny / "base" / "splits.json")
        self.build(LABELS)
        folders = {"dataset_dir": str(root / "ds"), "cropped_images_dir": str(self.crops)}
        data = {"tfrecords": str(root / "ds")} if kind == "records" else folders
        how = {"model_name": "demo-cnn", "image_size": 32, "batch_size": 8, "seed": 1}
        TrainConfig(**data, **how, labels=LABELS).write(root / "run")
        network.save_weights(root / "run" / "best.weights.h5")

    def build(self, names):
        """Write the dataset; "hare" is "leporid" where the names have that."""
        labels = [x if x in names else "leporid" for x in (row.labels[0] for row in self.rows)]
        rows = [row._replace(labels=(x,)) for row, x in zip(self.rows, labels, strict=True)]
        folder = self.root / "ds"
        if self.kind == "folders":
            classification_csv.write(folder / "classification_ds.csv", rows)
            label_index.write(folder / "label_index.json", names)
            splits_json.write(folder / "splits.json", self.splits)
            return
        folder.mkdir(exist_ok=True)
        counts = {}
        for split, places in {"train": "01234", "test": "5"}.items():
            own = [row for row in rows if row.location in places]
            counts[split] = tuple(sum(row.labels == (name,) for row in own) for name in names)
            with tfrecord.Writer(folder / f"{split}-00000") as writer:
                for row in own:
                    writer.write(self.record(row, names))
        dataset_info.write(folder, dataset_info.DatasetInfo(names, counts))

    def record(self, row, names):
        features = {
            "image/encoded": [(self.crops / row.path).read_bytes()],
            "image/class/label": np.array([names.index(row.labels[0])]),
            "image/filename": [row.path.encode()],
            "image/location": [row.location.encode()],
        }
        return example.encode(features)


@pytest.fixture(params=["folders", "records"])
def run(request, tiny, network, tmp_path):
    return Run(tmp_path, tiny, network, request.param)


@pytest.mark.parametrize("command", COMMANDS)
def test_labels_that_have_changed_are_one_line_and_no_bundle(run, capsys, command):
    for names, rule in CHANGED.items():
        run.build(names)
        before = files(run.root / "run")
        assert COMMANDS[command](run.root / "run") == 2, names
        told = capsys.readouterr().err.strip().splitlines()
        (said,) = [line for line in told if "shards once to index them" not in line]
        assert said.startswith(f"{command.split()[0]}: error: {run.root / 'ds'}")
        assert said.endswith(rule)
        assert files(run.root / "run") == before


def test_the_labels_that_it_began_with_are_those_of_its_bundle(run):
    assert COMMANDS["export_model.py"](run.root / "run") == 0
    assert bundle.read(run.root / "run" / "out" / "bundle").description.labels == LABELS
