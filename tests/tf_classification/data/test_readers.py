from __future__ import annotations

import numpy as np

from tf_classification.data.readers import FileReader, RecordReader


def test_files_that_cannot_be_read_are_empty(tmp_path):
    (tmp_path / "ü").mkdir()
    (tmp_path / "ü/a.jpg").write_bytes(b"content")
    names = ["ü/a.jpg", "ü", "nothing.jpg", "ü/a.jpg/b", "x" * 5000, "zero\0byte"]
    reader = FileReader(tmp_path, np.array(names, np.dtypes.StringDType()))
    assert reader(np.arange(6)) == [b"content"] + [b""] * 5
    assert reader(np.array([0, 0])) == [b"content"] * 2


def test_records_are_parts_of_shards(tmp_path):
    shards = [tmp_path / "0", tmp_path / "1"]
    shards[0].write_bytes(b"0123456789")
    shards[1].write_bytes(b"abc")
    shard, offset, length = np.array([[0, 1, 0, 1], [2, 0, 9, 2], [3, 3, 1, 5]])
    reader = RecordReader(shards, shard, offset, length)
    assert reader(np.arange(4)) == [b"234", b"abc", b"9", b""]  # the last is cut off
    assert reader.select(shard == 1)(np.array([0])) == [b"abc"]
