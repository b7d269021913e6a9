"""Shards: filled, renamed when full, and undone to any position that was noted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.datasets import shards
from database_tools.datasets.shards import Position, ShardWriter
from database_tools.formats import tfrecord

RECORDS = [bytes([i]) * (i + 1) for i in range(10)]


def write(folder, records, per_shard, position=Position(), close=True):  # noqa: B008 - frozen
    writer = ShardWriter(folder, "train", per_shard, position)
    positions = [writer.position]
    for record in records:
        writer.write(record)
        positions.append(writer.position)
    writer.close() if close else writer.abandon()
    return positions


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_records_fill_shards_in_order(tmp_path):
    write(tmp_path, RECORDS, 4)
    names = ["train-00000", "train-00001", "train-00002"]
    assert list(contents(tmp_path)) == names
    assert [r for name in names for r in tfrecord.read(tmp_path / name)] == RECORDS


@pytest.mark.parametrize("records", [[], RECORDS[:4]])
def test_no_empty_shard_is_left(tmp_path, records):
    write(tmp_path, records, 4)
    assert len(list(tmp_path.iterdir())) == len(records) // 4


@given(st.integers(1, 5), st.integers(0, 10), st.data())
def test_writing_goes_on_from_any_position_whatever_came_after(per_shard, reached, data):
    import tempfile
    from pathlib import Path

    noted = data.draw(st.integers(0, reached))
    with tempfile.TemporaryDirectory() as name:
        whole, killed = Path(name) / "whole", Path(name) / "killed"
        write(whole, RECORDS, per_shard)
        position = write(killed, RECORDS[:reached], per_shard, close=False)[noted]
        if reached:
            assert shards.holds(killed, "train", position)
        write(killed, RECORDS[noted:], per_shard, position)
        assert contents(killed) == contents(whole)


def test_a_lost_shard_or_tail_is_noticed(tmp_path):
    positions = write(tmp_path, RECORDS[:6], 4, close=False)
    assert shards.holds(tmp_path, "train", positions[6])
    part = tmp_path / ".train-00001.part"
    part.write_bytes(part.read_bytes()[:-1])
    assert not shards.holds(tmp_path, "train", positions[6])
    assert shards.holds(tmp_path, "train", positions[5])
    (tmp_path / "train-00000").unlink()
    assert not shards.holds(tmp_path, "train", positions[5])


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("train-00000", True),
        ("test-123456", True),
        (".train-00001.part", True),
        ("train-0", False),
        ("train-00000.bak", False),
        ("validation-00000", False),
        ("train-00000-of-00002", False),
    ],
)
def test_names_of_shards(name, ours):
    assert shards.is_name(name) == ours
