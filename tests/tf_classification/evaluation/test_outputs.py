"""Columns and numeric text of the original's files."""

from __future__ import annotations

import csv

import numpy as np

from tf_classification.evaluation import outputs


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
