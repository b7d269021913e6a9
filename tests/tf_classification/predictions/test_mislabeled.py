"""Lists of pictures whose label the classifier doubts."""

from __future__ import annotations

import gzip

import pytest

from tf_classification import identify_mislabeled_candidates

HEADER = "path,label,weight,felid,canid,other\n"
# Worked by hand: the predicted label is surer by .85, .85, .5 and 0.
ROWS = """\
ds1/a/1.jpg___crop00_mdv4.1.jpg,canid,1.0,0.9,0.05,0.05
ds1/a/0.jpg___crop00_mdv4.1.jpg,felid,1.0,0.05,0.9,0.05
ds1/a/0.jpg___crop01_mdv4.1.jpg,felid,1.0,0.05,0.9,0.05
ds1/a/2.jpg___crop00.jpg,other,1.0,0.75,0.0,0.25
ds2/x y.jpg___crop00_md_v5a.0.0.pt.jpg,canid,1.0,0.5,0.0,0.5
ds2/right.jpg___crop00_mdv4.1.jpg,felid,1.0,1.0,0.0,0.0
ds3/tie.jpg___crop00_mdv4.1.jpg,canid,1.0,0.5,0.5,0.0
"""


@pytest.fixture
def run_folder(tmp_path):
    for split in ("test", "val"):
        (tmp_path / f"outputs_{split}.csv.gz").write_bytes(gzip.compress((HEADER + ROWS).encode()))
    return tmp_path


def lists(folder):
    return {f.name: f.read_text().splitlines() for f in sorted(folder.glob("*.txt"))}


def test_the_worked_example_gives_the_originals_lists(run_folder, capsys):
    assert identify_mislabeled_candidates.main([str(run_folder), "--splits", "test"]) == 0
    assert lists(run_folder) == {
        "mislabeled_candidates_test_ds1.txt": ["a/0.jpg", "a/1.jpg", "a/2.jpg"],
        "mislabeled_candidates_test_ds2.txt": ["x y.jpg"],
    }
    said = "ds1 contains 3 mislabeled candidates.\nds2 contains 1 mislabeled candidates.\n"
    assert capsys.readouterr().out == said


def test_a_margin_of_nothing_leaves_right_predictions_out(run_folder):
    words = [str(run_folder), "--margin", "0", "--splits", "test", "-d"]
    assert identify_mislabeled_candidates.main(words) == 0
    found = lists(run_folder)
    assert found["mislabeled_candidates_test_ds2.txt"] == ["ds2/x y.jpg"]
    assert found["mislabeled_candidates_test_ds3.txt"] == ["ds3/tie.jpg"]


def test_a_higher_margin_takes_lists_of_an_earlier_run_away(run_folder):
    assert identify_mislabeled_candidates.main([str(run_folder)]) == 0
    assert len(lists(run_folder)) == 4  # two splits, as none was named
    assert identify_mislabeled_candidates.main([str(run_folder), "--margin", "0.6"]) == 0
    assert [name for name in lists(run_folder) if "_ds2" in name] == []
    assert lists(run_folder)["mislabeled_candidates_val_ds1.txt"] == ["a/0.jpg", "a/1.jpg"]


@pytest.mark.parametrize(
    ("text", "flags", "message"),
    [
        (HEADER + ROWS, ["--margin", "1.5"], "--margin must be in [0, 1], got 1.5"),
        (HEADER + ROWS, ["--splits", "train"], "outputs_train.csv.gz: no such file"),
        ("path,felid\na/b.jpg___crop00.jpg,1\n", [], "no column of true labels"),
        (HEADER + "a/b.jpg___crop00.jpg,wolf,1,1,0,0\n", [], "no column for the true label 'wolf'"),
        (HEADER + "a/b.jpg,felid,1,0,1,0\n", [], "'a/b.jpg' is not a crop name"),
        (HEADER + "b.jpg___crop00.jpg,felid,1,0,1,0\n", [], "is not <dataset>/<file>"),
    ],
)
def test_what_cannot_be_listed_is_named(tmp_path, capsys, text, flags, message):
    (tmp_path / "outputs_test.csv.gz").write_text(text)  # not packed, which is read too
    assert identify_mislabeled_candidates.main([str(tmp_path), *flags]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_predictions_says_who_writes_them(tmp_path, capsys):
    assert identify_mislabeled_candidates.main([str(tmp_path)]) == 2
    assert "evaluate_model.py writes them" in capsys.readouterr().err
