from __future__ import annotations

import numpy as np
import pytest

from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Ledger
from database_tools.formats import ledger_json
from tf_classification.data import tfrecords

CLASSES = ("empty", "deer", "fox")


def test_validation_is_split_off_by_location(shards):
    dataset = tfrecords.load(shards.path, val_fraction=0.2, seed=3)
    train, val, test = (dataset.splits[name] for name in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (20, 4, 2)  # whole locations of 4
    assert not set(train.locations) & set(val.locations)
    assert sorted([*train.keys, *val.keys]) == sorted(f"deer/{i}.jpg" for i in range(24))
    assert dataset.locations[test.locations[0]] == ("", "loc 9")
    again = tfrecords.load(shards.path, val_fraction=0.2, seed=3)
    assert again.splits["val"].keys.tolist() == val.keys.tolist()


def test_pictures_are_read_at_random(shards):
    dataset = tfrecords.load(shards.path)
    for split in dataset.splits.values():
        numbers = [key.removeprefix("deer/").removesuffix(".jpg") for key in split.keys]
        rows = np.random.default_rng(0).permutation(len(split))
        assert split.reader(rows) == [shards.picture(int(numbers[row])) for row in rows]
        np.testing.assert_allclose(split.confidences, [int(n) / 100 for n in numbers])


def test_a_class_without_any_crop_keeps_its_output(shards):
    dataset = tfrecords.load(shards.path)
    assert (dataset.label_names, dataset.empty_labels) == (CLASSES, (0,))


def test_a_shard_that_went_away_gives_no_pictures(shards):
    train = tfrecords.load(shards.path, val_fraction=0).splits["train"]
    (shards.path / "train-00001").unlink()
    (shards.path / "train-00000").write_bytes(b"cut off")
    assert train.reader(np.array([0, 23])) == [b"", b""]


def test_shards_of_another_run_are_noticed(shards):
    shards.write("train-00002", [shards.record(70, 1, "loc 7")])
    with pytest.raises(FormatError, match=r"train: 25 records .* 24 in dataset_info.json"):
        tfrecords.load(shards.path)


def test_records_that_the_builders_ledger_does_not_count_are_told(shards, caplog):
    ledger_json.write(shards.path, Ledger("make_classification_dataset", 26, 26, made=26))
    tfrecords.load(shards.path)
    assert "WARNING" not in caplog.text
    ledger_json.write(shards.path, Ledger("make_classification_dataset", 27, 27, made=27))
    tfrecords.load(shards.path)
    assert "_ledger.json counts 27, but there are 26 records" in caplog.text


def test_records_without_location_cannot_be_split(shards):
    shards.write("train-00001", [shards.record(i, 1 + i % 2, "") for i in range(4)])
    with pytest.raises(FormatError, match="4 crops have no location"):
        tfrecords.load(shards.path)
    assert len(tfrecords.load(shards.path, val_fraction=0).splits["val"]) == 0


def test_one_location_alone_cannot_validate(shards):
    shards.write("train-00000", [shards.record(i, 1 + i % 2, "x") for i in range(20)])
    shards.write("train-00001", [shards.record(i, 1 + i % 2, "x") for i in range(4)])
    with pytest.raises(FormatError, match="none of 1 locations"):
        tfrecords.load(shards.path)


def test_wrong_folders_and_fractions_are_refused(shards, tmp_path):
    with pytest.raises(UserError, match=r"\[0, 1\), got 1"):
        tfrecords.load(shards.path, val_fraction=1)
    with pytest.raises(UserError, match="no shard train-00000"):
        tfrecords.load(tmp_path / "nowhere")
