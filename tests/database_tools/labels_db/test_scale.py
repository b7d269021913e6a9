"""A specification on a large taxonomy: 7,000 rows of 200 datasets, counted independently."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest

from database_tools import json_validator
from database_tools.core.label_entries import Picture, Said
from database_tools.formats import queried_images
from database_tools.labels_db import importing
from database_tools.labels_db.importing import Place

DATASETS, CLASSES, IMAGES = 200, 35, 150
COLUMNS = "dataset_name,query,taxonomy_level,scientific_name,class,order,family,genus,species"
MOST = 100


def family(dataset, label):
    """Family of a dataset's class: 700 species, ten in each family."""
    return (dataset * CLASSES + label) % 700 // 10


def taxonomy_row(dataset, label):
    species = (dataset * CLASSES + label) % 700
    name = f"genus{species // 2} species{species}"
    above = ["mammalia", f"order{species // 100}", f"family{species // 10}", f"genus{species // 2}"]
    return [f"ds{dataset}", f"animal {label}", "species", name, *above, name]


@pytest.mark.slow
def test_counts_by_label_are_those_of_arithmetic(tmp_path):
    with (tmp_path / "taxonomy.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS.split(","))
        writer.writerows(taxonomy_row(d, k) for d in range(DATASETS) for k in range(CLASSES))
    expected: Counter[str] = Counter()
    for dataset in range(DATASETS):
        entries = [Picture(i, f"{i // 50}/{i}.jpg", i % 40) for i in range(IMAGES)]
        entries += [Said(i, f"animal {i % CLASSES}") for i in range(IMAGES)]
        importing.run(tmp_path / "labels.db", Place(f"ds{dataset}"), entries, tmp_path)
        expected.update(f"label {family(dataset, i % CLASSES)}" for i in range(IMAGES))
    spec = {f"label {i}": {"taxa": [{"level": "family", "name": f"family{i}"}]} for i in range(70)}
    spec["label 7"]["max_count"] = MOST
    (tmp_path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    words = [str(tmp_path / name) for name in ("spec.json", "taxonomy.csv")]
    words += ["--db", str(tmp_path / "labels.db"), "-o", str(tmp_path)]
    assert json_validator.main(words) == 0
    before = json.loads((tmp_path / "image_counts_by_label_presample.json").read_text("utf-8"))
    assert before == expected
    assert expected["label 7"] > MOST
    found = Counter(
        image.labels[0] for image in queried_images.read(tmp_path / queried_images.NAME)
    )
    assert found == {**expected, "label 7": MOST}
    assert json_validator.main([*words, "--explain", str(tmp_path / "explained.json")]) == 0
    explained = json.loads((tmp_path / "explained.json").read_text("utf-8"))["labels"]
    assert {label: one["images"] for label, one in explained.items()} == expected
