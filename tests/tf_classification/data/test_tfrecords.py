from __future__ import annotations

import numpy as np
import pytest

from database_tools.core.errors import FormatError, UserError
from database_tools.formats import dataset_info, example, tfrecord
from database_tools.formats.dataset_info import DatasetInfo
from tf_classification.data import record_index, tfrecords

CLASSES = ("empty", "deer", "fox")


def record(i, label, place):
    features = {
        "image/encoded": [b"picture %d" % i],
        "image/class/label": np.array([label]),
        "image/filename": [b"deer/%d.jpg" % i],
        "image/location": [place.encode()] if place else (),
        "image/detection_conf": np.array([i / 100], np.float32),
    }
    return example.encode(features)


def write_shard(path, records):
    with tfrecord.Writer(path) as writer:
        for content in records:
            writer.write(content)


@pytest.fixture
def shards(tmp_path):
    """24 training records in two shards, 12 of deer and fox each, 6 locations; 2 for testing."""
    train = [record(i, 1 + i % 2, f"loc {i // 4}") for i in range(24)]
    write_shard(tmp_path / "train-00000", train[:20])
    write_shard(tmp_path / "train-00001", train[20:])
    write_shard(tmp_path / "test-00000", [record(i, i - 29, "loc 9") for i in (30, 31)])
    counts = {"train": (0, 12, 12), "test": (0, 1, 1)}
    dataset_info.write(tmp_path, DatasetInfo(CLASSES, counts))
    return tmp_path


def test_validation_is_split_off_by_location(shards):
    dataset = tfrecords.load(shards, val_fraction=0.2, seed=3)
    train, val, test = (dataset.splits[name] for name in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (20, 4, 2)  # whole locations of 4
    assert not set(train.locations) & set(val.locations)
    assert sorted([*train.keys, *val.keys]) == sorted(f"deer/{i}.jpg" for i in range(24))
    assert dataset.locations[test.locations[0]] == ("", "loc 9")
    again = tfrecords.load(shards, val_fraction=0.2, seed=3)
    assert again.splits["val"].keys.tolist() == val.keys.tolist()


def test_pictures_are_read_at_random(shards):
    dataset = tfrecords.load(shards)
    for split in dataset.splits.values():
        numbers = [key.removeprefix("deer/").removesuffix(".jpg") for key in split.keys]
        rows = np.random.default_rng(0).permutation(len(split))
        assert split.reader(rows) == [f"picture {numbers[row]}".encode() for row in rows]
        np.testing.assert_allclose(split.confidences, [int(n) / 100 for n in numbers])


def test_a_class_without_any_crop_keeps_its_output(shards):
    dataset = tfrecords.load(shards)
    assert (dataset.label_names, dataset.empty_labels) == (CLASSES, (0,))


def test_a_class_with_test_crops_only_is_refused(shards):
    write_shard(shards / "test-00001", [record(50, 0, "loc 9")])
    dataset_info.write(shards, DatasetInfo(CLASSES, {"train": (0, 12, 12), "test": (1, 1, 1)}))
    with pytest.raises(FormatError, match="'empty' to train on"):
        tfrecords.load(shards)


def test_the_index_is_kept_until_a_shard_changes(shards, monkeypatch):
    first = record_index.load(shards, "train")
    monkeypatch.setattr(record_index, "build", lambda paths: pytest.fail("built again"))
    second = record_index.load(shards, "train")
    for name in ("keys", "places", "labels", "confidences", "shard", "offset", "length"):
        assert (getattr(first, name) == getattr(second, name)).all(), name
    monkeypatch.undo()
    write_shard(shards / "train-00001", [record(70, 1, "loc 7")])
    assert record_index.load(shards, "train").keys[-1] == "deer/70.jpg"


@pytest.mark.parametrize("damage", [b"", b"PK no archive"])
def test_a_broken_index_is_made_anew(shards, damage):
    expected = record_index.load(shards, "train").offset.tolist()
    (shards / "train_index.npz").write_bytes(damage)
    assert record_index.load(shards, "train").offset.tolist() == expected


def test_a_shard_that_went_away_gives_no_pictures(shards):
    train = tfrecords.load(shards, val_fraction=0).splits["train"]
    (shards / "train-00001").unlink()
    (shards / "train-00000").write_bytes(b"cut off")
    assert train.reader(np.array([0, 23])) == [b"", b""]


def test_shards_of_another_run_are_noticed(shards):
    write_shard(shards / "train-00002", [record(70, 1, "loc 7")])
    with pytest.raises(FormatError, match=r"train: 25 records .* 24 in dataset_info.json"):
        tfrecords.load(shards)


def test_records_without_location_cannot_be_split(shards):
    write_shard(shards / "train-00001", [record(i, 1 + i % 2, "") for i in range(4)])
    with pytest.raises(FormatError, match="4 records have no image/location"):
        tfrecords.load(shards)
    assert len(tfrecords.load(shards, val_fraction=0).splits["val"]) == 0


def test_one_location_alone_cannot_validate(shards):
    write_shard(shards / "train-00000", [record(i, 1 + i % 2, "x") for i in range(20)])
    write_shard(shards / "train-00001", [record(i, 1 + i % 2, "x") for i in range(4)])
    with pytest.raises(FormatError, match="none of 1 locations"):
        tfrecords.load(shards)


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
    write_shard(shards / "train-00001", [content])
    with pytest.raises(FormatError, match=f"train-00001: byte 12: .*{message}"):
        tfrecords.load(shards)


def test_wrong_folders_and_fractions_are_refused(shards, tmp_path):
    with pytest.raises(UserError, match=r"\[0, 1\), got 1"):
        tfrecords.load(shards, val_fraction=1)
    with pytest.raises(UserError, match="no shard train-00000"):
        tfrecords.load(tmp_path / "nowhere")
