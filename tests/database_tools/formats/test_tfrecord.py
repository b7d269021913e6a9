"""The framing of records: checksums, offsets, damage, and TensorFlow as a judge."""

import numpy as np
import pytest

from database_tools.core.errors import FormatError
from database_tools.formats import tfrecord

PAYLOADS = [b"", b"one", b"\0" * 300]


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "train-00000"
    with tfrecord.Writer(path) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    return path


def test_payloads_are_read_back_in_order(shard):
    assert list(tfrecord.read(shard)) == PAYLOADS


def test_offsets_point_at_the_payloads(shard):
    content = shard.read_bytes()
    found = tfrecord.offsets(shard)
    assert found.dtype == np.int64
    assert [content[start : start + length] for start, length in found] == PAYLOADS


def test_an_empty_file_holds_no_record(tmp_path):
    (tmp_path / "empty").touch()
    assert tfrecord.offsets(tmp_path / "empty").shape == (0, 2)
    assert list(tfrecord.read(tmp_path / "empty")) == []


@pytest.mark.parametrize("kept", [3, 14, 200, -1])  # in the head, the 1st, the 3rd, its last byte
def test_a_file_that_is_cut_off_is_an_error(shard, kept):
    shard.write_bytes(shard.read_bytes()[:kept])
    for reader in (tfrecord.offsets, lambda path: list(tfrecord.read(path))):
        with pytest.raises(FormatError, match="cut off"):
            reader(shard)


def test_a_changed_byte_is_found(shard):
    content = bytearray(shard.read_bytes())
    content[16 + 12] ^= 1  # "one" is the payload after one empty record (16) and a head (12)
    shard.write_bytes(content)
    with pytest.raises(FormatError, match="byte 28: the checksum"):
        list(tfrecord.read(shard))


def test_another_kind_of_file_is_said_to_be_one(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 10)
    with pytest.raises(FormatError, match="not a TFRecord"):
        tfrecord.offsets(tmp_path / "a.jpg")


@pytest.mark.slow
def test_tensorflow_reads_the_records(shard):
    import tensorflow as tf

    assert [r.numpy() for r in tf.data.TFRecordDataset(str(shard))] == PAYLOADS
