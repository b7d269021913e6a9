"""Columns and numeric text of the original's files."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from database_tools.core.errors import UserError
from tf_classification.evaluation import outputs

LABELS = ("cat", "canid, felid")


def write(path, keys=("ds/a.jpg___crop00_mdv4.1.jpg", 'b ",".jpg')):
    with outputs.writing(path, LABELS) as writer:
        for i, key in enumerate(keys):  # one row at a time
            row = np.array([[0.1, 0.9]], np.float32) if i % 2 else np.array([[1e-7, 1]], np.float32)
            writer.write([key], np.array([i % 2]), np.array([2 / 3]), row)
    return path


def test_outputs_have_the_shortest_digits_that_give_the_numbers_back(tmp_path):
    path = write(tmp_path / "new" / outputs.file_name("val"))
    assert path.name == "outputs_val.csv.gz"
    assert gzip.decompress(path.read_bytes()).decode() == (
        'path,label,weight,cat,"canid, felid"\n'
        "ds/a.jpg___crop00_mdv4.1.jpg,cat,0.6666666666666666,1e-7,1.0\n"
        '"b "","".jpg","canid, felid",0.6666666666666666,0.1,0.9\n'
    )


def test_outputs_come_back(tmp_path):
    read = outputs.read(write(tmp_path / "outputs_val.csv.gz"))
    assert read.keys[1] == 'b ",".jpg'
    assert read.label_names == LABELS
    assert read.labels.tolist() == [0, 1]
    assert read.weights.tolist() == [2 / 3, 2 / 3]
    assert read.probabilities.tolist() == np.array([[1e-7, 1], [0.1, 0.9]], np.float32).tolist()


def test_a_table_that_a_spreadsheet_saved_comes_back(tmp_path):
    rows = "path,label,weight,cat,dog\r\na.jpg,dog,1,0.25,0.75\r\n"
    (tmp_path / "a.csv").write_text("\ufeff" + rows, encoding="utf-8", newline="")
    assert outputs.read(tmp_path / "a.csv").keys == ("a.jpg",)


def test_a_split_without_crops_comes_back_empty(tmp_path):
    read = outputs.read(write(tmp_path / "outputs_test.csv.gz", keys=()))
    assert read.probabilities.shape == (0, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,cat\n", "line 1: expected path,label,weight"),
        ("path,label,weight,cat\na,dog,1,1\n", "row 1: the label 'dog' has no column"),
    ],
)
def test_a_table_that_is_no_output_is_named(tmp_path, text, message):
    path = tmp_path / "outputs_val.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        outputs.read(path)


def test_label_stats_are_those_of_the_specification(tmp_path):
    confusion = np.array([[5, 1, 0], [2, 3, 0], [0, 0, 0]])  # worked example 12
    outputs.write_label_stats(tmp_path / "label_stats.csv", {"val": confusion}, ["a", "b", "c"])
    assert (tmp_path / "label_stats.csv").read_text() == (
        "split,label,precision,recall\n"
        "val,a,0.7142857142857143,0.8333333333333334\n"
        "val,b,0.75,0.6\n"
        "val,c,0.0,\n"
    )


def test_overall_metrics_have_the_columns_of_the_specification(tmp_path):
    columns = "loss,loss_weighted,acc_top1,acc_top3,acc_weighted_top1,acc_weighted_top3"
    row = dict(zip(reversed(columns.split(",")), [66.66666666666667, 5, 4, 3, 2, 1], strict=True))
    outputs.write_overall_metrics(tmp_path / "overall_metrics.csv", {"test": row})
    with (tmp_path / "overall_metrics.csv").open() as stream:
        header, values = csv.reader(stream)
    assert ",".join(header) == f"split,{columns}"
    assert values == ["test", "1", "2", "3", "4", "5", "66.66666666666667"]


def test_confusion_matrices_come_back_and_are_equal_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        outputs.write_confusion_matrices(tmp_path / name, {"val": np.arange(4).reshape(2, 2)})
    with np.load(tmp_path / "a.npz") as table:
        assert table["val"].tolist() == [[0, 1], [2, 3]]
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
