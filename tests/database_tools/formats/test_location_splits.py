"""Splits by hand: plain lists, a classifier's splits.json, and contradictions."""

import json

import pytest

from database_tools.core.errors import FormatError
from database_tools.formats import location_splits, splits_json


@pytest.fixture
def read(tmp_path):
    def write_and_read(table):
        (tmp_path / "s.json").write_text(json.dumps(table), encoding="utf-8")
        return location_splits.read(tmp_path / "s.json")

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
    assert location_splits.read(path) == {
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
