from __future__ import annotations

import logging

import numpy as np
import pytest
import tensorflow as tf

from database_tools.core.errors import UserError
from database_tools.formats import example, tfrecord
from slim_legacy.datasets import dataset_factory, descriptor
from slim_legacy.training import record_labels, records

HOW = records.Reading(image_size=8, batch_size=4, num_classes=3)


def first_labels(dataset, batches):
    return np.concatenate([labels.numpy() for _, labels in dataset.take(batches)])


def test_evaluation_gives_every_record_once_and_in_order(records_dir):
    shards = sorted(records_dir.glob("test-*"))
    sizes = [len(labels) for _, labels in records.evaluation(shards, HOW)]
    assert sizes == [4, 3]
    assert first_labels(records.evaluation(shards, HOW), 2).tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_an_epoch_of_training_has_every_record_of_all_shards_once(records_dir):
    shards = sorted(records_dir.glob("train-*"))
    labels = first_labels(records.training(shards, HOW), 6).reshape(2, 12)
    for epoch in labels:
        assert np.bincount(epoch, minlength=3).tolist() == [4, 4, 4]
    assert labels[0].tolist() != labels[1].tolist()


def test_training_order_depends_on_seed_and_first_step_alone(records_dir):
    shards = sorted(records_dir.glob("train-*"))

    def drawn(**options):
        images, _ = next(iter(records.training(shards, HOW, **options)))
        return images.numpy()

    np.testing.assert_array_equal(drawn(seed=3), drawn(seed=3))
    assert np.abs(drawn(seed=3) - drawn(seed=4)).max() > 0
    assert np.abs(drawn(seed=3) - drawn(seed=3, first_batch=50)).max() > 0


def test_runs_of_one_animal_are_mixed_across_shards(tmp_path, make_shard):
    for shard in range(3):  # as the dataset maker writes them: a shard is one place, one animal
        make_shard(tmp_path / f"train-{shard:05d}", [shard] * 20)
    labels = first_labels(records.training(sorted(tmp_path.iterdir()), HOW), 3)
    assert set(labels.tolist()) == {0, 1, 2}


@pytest.mark.parametrize(("label", "offset"), [(3, 0), (-1, 0), (0, 1)])
def test_a_label_out_of_range_is_the_users_error(label, offset, tmp_path, make_shard):
    make_shard(tmp_path / "train-00000", [1, label])
    how = records.Reading(8, 2, num_classes=3, labels_offset=offset)
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        list(records.evaluation([tmp_path / "train-00000"], how))
    mistake = records.explain(raised.value)
    assert isinstance(mistake, UserError)
    assert f"label out of range: {label - offset} is not in [0, 3)" in str(mistake)


def test_a_record_that_is_no_picture_is_the_users_error(tmp_path):
    with tfrecord.Writer(tmp_path / "test-00000") as writer:
        features = {"image/encoded": [b"\xff\xd8\xff hello"], "image/class/label": np.array([0])}
        writer.write(example.encode(features))
    with pytest.raises(tf.errors.OpError) as raised:
        list(records.evaluation([tmp_path / "test-00000"], HOW))
    assert "a record cannot be used" in str(records.explain(raised.value))


def test_a_wrong_size_is_said_aloud(records_dir, caplog):
    caplog.set_level(logging.INFO)
    right = dataset_factory.get_dataset("auto", "train", records_dir)
    assert records.count(right, "auto", "train") == 12
    assert not caplog.messages
    wrong = dataset_factory.get_dataset("wellington", "train", records_dir)
    assert records.count(wrong, "wellington", "train") == 12
    assert "wellington says 112,698 train pictures, the records hold 12" in caplog.text


@pytest.mark.parametrize("named", ["dataset_info.json", "labels.txt"])
def test_a_wrong_number_of_classes_is_said_aloud(tmp_path, caplog, make_records, named):
    folder = make_records(tmp_path)
    if named == "labels.txt":
        (folder / "dataset_info.json").unlink()
        (folder / "labels.txt").write_text("0:red\n1:green\n2:blue\n")
    more = descriptor.get_split({"train": 12}, 5, "train", folder)
    records.count(more, "mine", "train")
    assert f"mine says 5 classes, {named} 3: mend _NUM_CLASSES" in caplog.text
    caplog.clear()
    records.count(descriptor.get_split({"train": 12}, 3, "train", folder), "mine", "train")
    assert not caplog.messages


def test_a_label_beyond_the_classes_ends_before_the_first_step(records_dir):
    fewer = descriptor.get_split({"train": 12}, 2, "train", records_dir)
    rule = "mine says 2 classes, 0 to 1, the records hold the label 2: mend _NUM_CLASSES"
    with pytest.raises(UserError, match=rule):
        records.count(fewer, "mine", "train")


@pytest.mark.parametrize("label", [0, 5, 200, 70_000, -3])
def test_a_label_is_found_wherever_it_stands(tmp_path, label):
    picture = bytes(3000)
    features = {"image/encoded": [picture], "image/class/label": np.array([label])}
    ours = example.encode(features)
    theirs = tf.train.Example()
    theirs.features.feature["image/class/label"].int64_list.value.append(label)
    theirs.features.feature["a" * 2500].bytes_list.value.append(picture)
    for i, payload in enumerate((ours, theirs.SerializeToString())):
        with tfrecord.Writer(tmp_path / f"train-{i:05}") as writer:
            writer.write(payload)
        assert record_labels.largest([tmp_path / f"train-{i:05}"]) == label


def test_empty_records_are_an_error(tmp_path):
    (tmp_path / "train-00000").touch()
    empty = dataset_factory.get_dataset("cct", "train", tmp_path)
    with pytest.raises(UserError, match="are empty"):
        records.count(empty, "cct", "train")
