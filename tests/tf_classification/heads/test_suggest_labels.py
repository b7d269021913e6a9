"""The command: crops worth a question, as a CSV to fill in and a page to look at."""

from __future__ import annotations

import csv

import numpy as np

from database_tools.formats import answers_csv
from tf_classification import suggest_labels
from tf_classification.heads import choosing
from tf_classification.heads.choosing import Pool


def suggest(*words):
    return suggest_labels.main([str(word) for word in words])


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_first_crops_are_spread_and_the_next_are_those_that_are_doubted(embedded, tmp_path):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    assert suggest(embedded, first, "--number", 12) == 0
    asked = rows(first)
    assert {row["why"] for row in asked} == {"spread"}
    assert len({row["location"] for row in asked}) == 6  # all that there are
    assert len({row["path"] for row in asked}) == 12
    page = first.with_suffix(".html").read_text()
    assert page.count("data:image/jpeg") == 12
    assert answers_csv.read(first) == []  # nothing is filled in

    for row in asked:  # the label is told by the number of the crop
        number = int(row["path"].rpartition("/")[2][:-4])
        row["label"] = ("deer", "fox", "hare")[number % 3]
    asked[0] |= {"label": "", "decision": "no animal"}
    with first.open("w", newline="") as file:
        writer = csv.DictWriter(file, asked[0])
        writer.writeheader()
        writer.writerows(asked)
    assert suggest(embedded, second, "--number", 5, "--labels", first) == 0
    again = rows(second)
    assert len(again) == 5
    assert not {row["path"] for row in again} & {row["path"] for row in asked}
    assert {row["why"] for row in again} == {"unsure"}
    assert {row["predicted"] for row in again} <= {"deer", "fox", "hare"}
    before = second.read_bytes()
    assert suggest(embedded, second, "--number", 5, "--labels", first) == 0
    assert second.read_bytes() == before


def test_as_many_as_are_left_are_suggested_and_none_is_said(embedded, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert suggest(embedded, out, "--number", 100) == 0
    every = rows(out)
    assert len(every) == 90
    for row in every:
        row["decision"] = "unsure"
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, every[0])
        writer.writeheader()
        writer.writerows(every)
    assert suggest(embedded, tmp_path / "more.csv", "--labels", out) == 2
    assert "every crop has an answer" in capsys.readouterr().err
    out.write_text("path,label,decision,location\nx.jpg,deer,,0\n")
    assert suggest(embedded, tmp_path / "more.csv", "--labels", out) == 2
    assert "no embedding of 'x.jpg'" in capsys.readouterr().err


def pool(points, confidences=None, locations=None):
    number = len(points)
    sure = np.ones(number) if confidences is None else np.array(confidences)
    places = np.zeros(number, int) if locations is None else np.array(locations)
    return Pool(np.array(points, float), sure, places)


def test_a_spread_has_one_of_each_kind_and_the_rarer_location():
    points = [[0, 0], [0.1, 0], [9, 0], [9.1, 0], [0, 9], [0.1, 9]]
    found = choosing.spread(pool(points), 3, np.zeros(0, int), 0)
    assert sorted(row // 2 for row in found) == [0, 1, 2]
    places = [0, 1, 0, 1, 0, 1]
    found = choosing.spread(pool(points, locations=places), 3, np.zeros(5, int), 0)
    assert sorted(found) == [1, 3, 5]


def test_looks_are_directions_in_which_wide_axes_count_more():
    points = np.array([[4.0, 1], [-4, 1], [4, -1], [-4, -1], [0, 0]])  # spreads 4 and 1, x sqrt(.8)
    found = choosing.looks(points)
    np.testing.assert_allclose(found[0], np.array([16, 1]) / np.sqrt(257))
    assert found[4].tolist() == [0, 0]
    np.testing.assert_allclose(choosing.looks(7 * points), found)


def test_doubt_counts_as_much_as_the_detector_was_sure():
    said = np.array([[0.5, 0.5], [0.52, 0.48], [0.9, 0.1], [0.5, 0.5]])
    points = [[0, 0], [0, 0.1], [0, 0.2], [0, 0.3]]
    assert choosing.unsure(pool(points, [0.1, 0.9, 0.9, 0.2]), said, 1, 0).tolist() == [1]
    alike = pool([[0, 0]] * 4)  # that make one cluster only
    assert sorted(choosing.unsure(alike, said, 3, 0)) == [0, 1, 3]
