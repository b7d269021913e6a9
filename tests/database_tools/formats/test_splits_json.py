"""Splits of a classifier and by hand, and contradictions."""

import json

import pytest

from database_tools.core.errors import FormatError
from database_tools.durable import files
from database_tools.formats import splits_json


@pytest.fixture
def read(tmp_path):
    def write_and_read(table):
        (tmp_path / "s.json").write_text(json.dumps(table), encoding="utf-8")
        return splits_json.read_locations(tmp_path / "s.json")

    return write_and_read


def test_locations_are_texts_whatever_the_file_wrote(read):
    table = {"train": ["a", 2, 3.0], "test": ["013"]}
    assert read(table) == {"a": "train", "2": "train", "3": "train", "013": "test"}


def test_val_counts_as_train(read):
    assert read({"train": ["a"], "val": ["b"], "test": ["c"]})["b"] == "train"


def test_a_classifiers_splits_are_read(tmp_path):
    path = tmp_path / "splits.json"
    pairs = {name: frozenset({("a set", f"place of {name}")}) for name in splits_json.SPLITS}
    splits_json.write(path, pairs)
    assert splits_json.read_locations(path) == {
        "place of train": "train",
        "place of val": "train",
        "place of test": "test",
    }


def test_a_location_twice_in_one_split_is_one(read):
    assert read({"train": ["a", "a"], "test": []}) == {"a": "train"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], "top level: expected"),
        ({"train": [""], "test": []}, r"train\[0\]: expected a location, got ''"),
        ({"train": ["\t "], "test": []}, r"train\[0\]: expected a location"),
        ({"train": []}, 'no list "test"'),
        ({"train": "a", "test": []}, "train: expected a list of locations, got 'a'"),
        ({"train": [None], "test": []}, r"train\[0\]: expected a location, got None"),
        ({"train": [["x", "y", "z"]], "test": []}, r"train\[0\]: expected a location"),
        ({"train": ["1"], "test": [1]}, 'test: the location "1" is in "train" and "test"'),
        ({"train": [["d1", "a"]], "test": [["d2", "a"]]}, 'the location "a" is in'),
    ],
)
def test_contradictions_are_told_with_their_place(read, table, message):
    with pytest.raises(FormatError, match=message):
        read(table)


def test_splits_both_ways_with_locations_as_strings(tmp_path):
    path = tmp_path / "splits.json"
    files.write_json(path, {"train": [["d", 13], ["d", "013"]], "val": [], "test": [["e", 13]]})
    splits = splits_json.read(path)
    assert splits["train"] == {("d", "13"), ("d", "013")}
    splits_json.write(path, splits)
    assert json.loads(path.read_text())["train"] == [["d", "013"], ["d", "13"]]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"train": [], "val": []}, 'no list "test"'),
        ({"train": [["d", 1]], "val": [["d", "1"]], "test": []}, "train and val: share"),
        (
            {"train": ["d"], "val": [], "test": []},
            r"train\[0\]: expected \[dataset, location\], got 'd'",
        ),
    ],
)
def test_wrong_splits_are_refused(tmp_path, table, message):
    files.write_json(tmp_path / "s.json", table)
    with pytest.raises(FormatError, match=message):
        splits_json.read(tmp_path / "s.json")


def test_a_pair_without_a_location_is_the_unknown_one(tmp_path):
    path = tmp_path / "splits.json"
    files.write_json(path, {"train": [["d", ""], ["d", None]], "val": [["e", " \t"]], "test": []})
    assert splits_json.read(path) == {
        "train": {("d", "unknown_location")},
        "val": {("e", "unknown_location")},
        "test": frozenset(),
    }


def test_whole_numbers_that_a_table_made_floats_are_whole_again(tmp_path):
    files.write_json(tmp_path / "s.json", {"train": [["d", 13.0]], "val": [], "test": []})
    assert splits_json.read(tmp_path / "s.json")["train"] == {("d", "13")}
