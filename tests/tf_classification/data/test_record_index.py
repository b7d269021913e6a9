from __future__ import annotations

import numpy as np
import pytest

from database_tools.core.errors import FormatError
from database_tools.formats import example
from tf_classification.data import record_index


def test_shards_of_both_naming_schemes_are_found_in_order_and_nothing_else(tmp_path):
    names = ["train-00001-of-00002", "train-00000-of-00002", "train_index.npz", "train-x"]
    for name in [*names, ".train-00000.1.tmp", "test-00000", "train-00000.tmp"]:
        (tmp_path / name).touch()
    found = [path.name for path in record_index.shards(tmp_path, "train")]
    assert found == ["train-00000-of-00002", "train-00001-of-00002"]


def test_an_index_without_shards_is_empty(tmp_path):
    index = record_index.load(tmp_path, "test")
    assert (len(index.keys), index.offset.dtype) == (0, np.int64)


def test_the_index_is_kept_until_a_shard_changes(shards, monkeypatch):
    first = record_index.load(shards.path, "train")
    monkeypatch.setattr(record_index, "build", lambda paths: pytest.fail("built again"))
    second = record_index.load(shards.path, "train")
    for name in ("keys", "places", "labels", "confidences", "shard", "offset", "length"):
        assert (getattr(first, name) == getattr(second, name)).all(), name
    monkeypatch.undo()
    shards.write("train-00001", [shards.record(70, 1, "loc 7")])
    assert record_index.load(shards.path, "train").keys[-1] == "deer/70.jpg"


@pytest.mark.parametrize("damage", [b"", b"PK no archive"])
def test_a_broken_index_is_made_anew(shards, damage):
    expected = record_index.load(shards.path, "train").offset.tolist()
    (shards.path / "train_index.npz").write_bytes(damage)
    assert record_index.load(shards.path, "train").offset.tolist() == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (example.encode({"image/encoded": [b"x"]}), "image/class/label"),
        (example.encode({"image/class/label": np.array([1])}), "image/encoded"),
        (example.encode({"image/encoded": [b"x"], "image/class/label": np.array([-1])}), "-1"),
        (b"no example", "not a record of a picture"),
    ],
)
def test_a_record_that_is_no_picture_is_refused_with_its_place(shards, content, message):
    shards.write("train-00001", [content])
    with pytest.raises(FormatError, match=f"train-00001: byte 12: .*{message}"):
        record_index.load(shards.path, "train")
