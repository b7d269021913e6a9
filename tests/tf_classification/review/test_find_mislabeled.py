"""The command: wrong labels come first, with their reasons, and nobody is shown who should not."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from database_tools.formats import (
    candidates_csv,
    classification_csv,
    classifier_csv,
    label_index,
)
from tf_classification import find_mislabeled

LABELS = ("deer", "fox", "hare")
WRONG = ("demo/1/4.jpg", "demo/3/9.jpg", "demo/5/2.jpg")


def other(label):
    return LABELS[(LABELS.index(label) + 1) % 3]


def relabelled(tiny, folder, label_of):
    """Copy the dataset's files with other labels."""
    shutil.copytree(tiny / "base", folder)
    crops = classification_csv.read(tiny / "base/classification_ds.csv")
    changed = [crop._replace(labels=(label_of(crop),)) for crop in crops]
    classification_csv.write(folder / "classification_ds.csv", changed)
    label_index.write(folder / "label_index.json", sorted({c.labels[0] for c in changed}))
    return folder


def find(*words):
    return find_mislabeled.main([str(word) for word in words])


@pytest.fixture(scope="module")
def flipped(tiny, tmp_path_factory):
    def label_of(crop):
        return other(crop.labels[0]) if crop.path in WRONG else crop.labels[0]

    return relabelled(tiny, tmp_path_factory.mktemp("flipped") / "base", label_of)


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Three pictures in a burst: 0 to 2, 3 to 5, ..."""
    images = [
        {"id": f"{place}/{i}", "file_name": f"{place}/{i}.jpg", "seq_id": f"{place} {i // 3}"}
        for place in range(6)
        for i in range(15)
    ]
    path = tmp_path_factory.mktemp("shots") / "cct.json"
    path.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    return path


def test_wrong_labels_come_first_and_a_second_run_writes_the_same(
    flipped, tiny, embedded, tmp_path, capsys
):
    out = tmp_path / "out/c.csv"
    words = (flipped, tiny / "crops", "--embeddings", embedded, "--output", out)
    assert find(*words) == 0
    rows = list(candidates_csv.read(out))
    assert {row.path for row in rows[:3]} == set(WRONG)
    for row in rows[:3]:
        right = LABELS[int(row.path[7:-4]) % 3]
        assert (row.label, row.predicted) == (other(right), right)
        assert row.image == row.path  # the names are no crops'
        assert row.location == row.path[5]
        assert row.dataset == "demo"
        assert row.why == f"looks like {right}"
        assert row.burst == ()
        assert row.probability > 0.5 < row.score
    assert [row.score for row in rows] == sorted((row.score for row in rows), reverse=True)
    assert (out.with_suffix(".txt")).read_text().splitlines() == [row.image for row in rows]
    ledger = json.loads((out.parent / "find_mislabeled_ledger.json").read_text())
    assert (ledger["total"], ledger["kept"]) == (90, 90)
    page = out.with_suffix(".html").read_text()
    assert page.count("data:image/jpeg") == 4 * len(rows)  # each and its three nearest
    assert str(tmp_path) not in page
    before = [path.read_bytes() for path in sorted(out.parent.iterdir())]
    assert find(*words) == 0
    assert [path.read_bytes() for path in sorted(out.parent.iterdir())] == before
    assert "labels are perhaps wrong" in capsys.readouterr().err


def test_a_burst_speaks_against_one_of_its_labels(flipped, tiny, embedded, shots, tmp_path):
    """Here each burst has all three labels, so labels speak against all: 9.jpg has 10 and 11."""
    out = tmp_path / "c.csv"
    words = ("--embeddings", embedded, "--input_json", shots, "--least", "0", "-o", out)
    assert find(flipped, tiny / "crops", *words) == 0
    rows = {row.path: row for row in candidates_csv.read(out)}
    assert len(rows) == 90
    assert rows["demo/3/9.jpg"].burst == ("demo/3/10.jpg", "demo/3/11.jpg")
    assert "its burst looks like" in rows["demo/3/9.jpg"].why


def test_a_crop_that_is_there_twice_with_two_labels_is_told(tiny, tmp_path):
    from tf_classification.review import witnesses

    names = ["demo/0/0.jpg", "demo/0/1.jpg", "copy.jpg", "gone.jpg"]
    folder = tmp_path / "crops"
    shutil.copytree(tiny / "crops/demo/0", folder / "demo/0")
    shutil.copy(tiny / "crops/demo/0/1.jpg", folder / "copy.jpg")
    found = witnesses.duplicates(
        folder, names, np.array([0, 1, 2, 2]), 1, lambda crops, number: crops
    )
    assert found.tolist() == [-1, 2, 1, -1]
    same = witnesses.duplicates(folder, names, np.ones(4, int), 1, lambda crops, n: crops)
    assert (same == -1).all()  # of one label
    groups = witnesses.groups(np.array([0, 0, -1, -1]), found)
    assert groups.tolist() == [0, 0, 0, 3]


def test_trained_models_can_be_asked_instead(flipped, tiny, embedded, tmp_path, capsys):
    out, said = tmp_path / "c.csv", tmp_path / "outputs_test.csv.gz"
    rows = [(f"demo/5/{i}.jpg", np.roll([0.8, 0.1, 0.1], i % 3)) for i in range(15)]
    with classifier_csv.writing(said, LABELS) as table:
        table.write([path for path, _ in rows], np.array([values for _, values in rows]))
    words = (flipped, tiny / "crops", "--embeddings", embedded, "-o", out, "--outputs", said)
    assert find(*words) == 0
    (row,) = candidates_csv.read(out)
    assert row.path == "demo/5/2.jpg"
    assert (row.probability, row.margin, row.score) == (0.8, 0.7, 0.9)
    assert "75 in none of --outputs" in capsys.readouterr().err
    with classifier_csv.writing(said, ("deer", "fox", "lynx")) as table:
        table.write(["demo/5/1.jpg"], np.eye(3)[:1])
    assert find(*words) == 2
    assert "its labels are not the dataset's: hare" in capsys.readouterr().err


def test_people_are_listed_and_not_shown(tiny, embedded, tmp_path):
    def label_of(crop):
        return "human" if crop.path in WRONG else crop.labels[0]

    base, out = relabelled(tiny, tmp_path / "base", label_of), tmp_path / "c.csv"
    words = ("--embeddings", embedded, "-o", out, "--least", "0.9")
    assert find(base, tiny / "crops", *words) == 0
    rows = list(candidates_csv.read(out))
    assert set(WRONG) <= {row.path for row in rows if row.label == "human"}
    page = out.with_suffix(".html").read_text()
    assert page.count("a person, not shown") >= len(WRONG)
    for name in WRONG:
        assert f'alt="{name}"' not in page


def test_a_label_at_one_location_is_counted_and_not_judged(tiny, embedded, tmp_path, capsys):
    def label_of(crop):
        return "bear" if crop.path in ("demo/2/0.jpg", "demo/2/3.jpg") else crop.labels[0]

    base, out = relabelled(tiny, tmp_path / "base", label_of), tmp_path / "c.csv"
    assert find(base, tiny / "crops", "--embeddings", embedded, "-o", out, "--least", "0") == 0
    assert len(list(candidates_csv.read(out))) == 88
    assert "label at one location only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--least", "1.5"), "--least must be in [0, 1], got 1.5"),
        (("--workers", "0"), "--workers must be at least 1, got 0"),
        (("-o", "c.txt"), "c.txt: the file to write is called .csv"),
        (("--db", "a", "--input_json", "b"), "give --db or --input_json, not both"),
        (("--db", "nowhere.db"), "nowhere.db"),
        (("--outputs", "nowhere.csv"), "nowhere.csv: no such file"),
    ],
)
def test_a_request_that_cannot_be_is_said(words, said, flipped, tiny, embedded, tmp_path, capsys):
    out = tmp_path / "c.csv"
    assert find(flipped, tiny / "crops", "--embeddings", embedded, "-o", out, *words) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_one_label_is_nothing_to_compare(tiny, embedded, tmp_path, capsys):
    base = relabelled(tiny, tmp_path / "base", lambda crop: "deer")
    assert find(base, tiny / "crops", "--embeddings", embedded, "-o", tmp_path / "c.csv") == 2
    assert "crops of 2 labels" in capsys.readouterr().err
