"""megaclassifier_label_spec: from counts of images to a specification and its tree."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nbclient
import nbformat
import pytest

from database_tools import json_validator, megaclassifier_label_spec
from database_tools.core.label_entries import Picture, Said
from database_tools.labels_db import importing
from database_tools.labels_db.importing import Place

COLUMNS = ["dataset_name", "query", "taxonomy_level", "scientific_name", "class", "family", "genus"]
ROWS = [
    ["a", "Wolf & cub", "genus", "canis", "mammalia", "canidae", "canis"],
    ["a", "dog", "family", "canidae", "mammalia", "canidae", ""],
    ["b", "fox", "genus", "vulpes", "mammalia", "canidae", "vulpes"],
]
NOTEBOOK = Path(megaclassifier_label_spec.__file__).with_suffix(".ipynb")
IMAGES = {"a": {"Wolf & cub": 4, "dog": 2, "car": 3}, "b": {"fox": 1}}


@pytest.fixture
def world(tmp_path, monkeypatch):
    with (tmp_path / "taxonomy.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *ROWS])
    for dataset, counts in IMAGES.items():
        names = [name for name, number in counts.items() for _ in range(number)]
        entries = [Picture(i, f"{i}.jpg") for i in range(len(names))]
        entries += [Said(i, name) for i, name in enumerate(names)]
        importing.run(tmp_path / "labels.db", Place(dataset), entries, tmp_path)
    monkeypatch.setenv("TF_CLASSIFICATION_DB", str(tmp_path / "labels.db"))
    return tmp_path


def run(world, *flags):
    words = [str(world / "taxonomy.csv"), str(world / "out"), *flags]
    return megaclassifier_label_spec.main(words)


def test_the_specification_the_tree_and_the_counts(world, capsys):
    assert run(world, "--min-images", "3", "--total-images", "100") == 0
    # 100 images, two labels, three even shares
    assert json.loads((world / "out" / "label_spec.json").read_text("utf-8")) == {
        "family: canidae (other)": {
            "taxa": [{"level": "family", "name": "canidae"}],
            "exclude": {"taxa": [{"level": "genus", "name": "canis"}]},
            "max_count": 150,
        },
        "genus: canis": {"taxa": [{"level": "genus", "name": "canis"}], "max_count": 150},
    }
    text = (
        "class mammalia  7\n"
        "  family canidae  7\n"
        "    [family: canidae (other)]  3\n"
        "    [genus: canis]  4\n"
    )
    assert (world / "out" / "label_tree.txt").read_text("utf-8") == text
    assert capsys.readouterr().out == text
    assert "[genus: canis]" in (world / "out" / "label_tree.svg").read_text("utf-8")
    assert (world / "out" / "image_counts_by_class.csv").read_text("utf-8").splitlines() == [
        *("dataset,class,count", "a,Wolf & cub,4", "a,car,3", "a,dog,2", "b,fox,1"),
    ]
    assert (world / "out" / "image_counts_by_dataset.csv").read_text("utf-8").splitlines() == [
        *("dataset,num_images", "a,9", "b,1"),
    ]


def test_json_validator_takes_the_specification(world, capsys):
    run(world, "--min-images", "3")
    words = [str(world / name) for name in ("out/label_spec.json", "taxonomy.csv")]
    assert json_validator.main([*words, "-o", str(world / "out")]) == 0
    path = world / "out" / "image_counts_by_label_sampled.json"
    assert json.loads(path.read_text("utf-8")) == {"family: canidae (other)": 3, "genus: canis": 4}


def test_the_notebook_shows_the_same(world):
    assert run(world, "--min-images", "3") == 0
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("enough, in_all = 2000,", "enough, in_all = 3,")
    where = {"metadata": {"path": str(world)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=where).execute()
    found = json.dumps(notebook)
    assert "image/svg+xml" in found
    assert "genus: canis: at most 2,100,000 images, without []" in found
    for name in ("label_spec.json", "label_tree.txt"):
        assert (world / name).read_bytes() == (world / "out" / name).read_bytes()


def test_too_few_images_are_one_line(world, capsys):
    assert run(world) == 2
    assert "no taxon has 2,000 images: the most are 7" in capsys.readouterr().err
    assert run(world, "--min-images", "0") == 2
    assert "--min-images must be at least 1, got 0" in capsys.readouterr().err
