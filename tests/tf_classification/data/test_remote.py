"""Records in an object store: read in parts, or brought ahead within a limit; always the same."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from database_tools import remote
from database_tools.remote import access, cache
from tf_classification.data import directory, fingerprint, tfrecords
from tf_classification.predictor import asking, sources

ROWS = np.array([0, 59, 7, 30])


@pytest.fixture
def far(tiny_records, object_store, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    shutil.copytree(tiny_records, tmp_path / "near")
    address = object_store("s3").fresh(monkeypatch, "records")
    return remote.path(object_store.fill(f"{address}/r", tmp_path / "near"))


@pytest.fixture
def asked(monkeypatch):
    """Addresses whose bytes the store is asked for from now on, after how many."""
    asked, read = [], access.read
    monkeypatch.setattr(access, "read", lambda *words: (asked.append(words), read(*words))[1])
    return asked


def test_parts_are_asked_for_where_nothing_is_kept(far, tiny_records, asked):
    near, there = tfrecords.load(tiny_records), tfrecords.load(far)
    wanted = near.splits["train"].reader(ROWS)
    asked.clear()
    assert there.splits["train"].reader(ROWS) == wanted
    assert [end - start for _, start, end in asked] == [len(picture) for picture in wanted]
    # the index is made once, on this machine
    asked.clear()
    tfrecords.load(far)
    assert not [address for address, *_ in asked if "-00000" in address]


@pytest.mark.parametrize(("room", "brought"), [(100, ["test", "train"]), (3, ["test"])])
def test_as_many_shards_as_fit_are_brought_ahead(
    far, tiny_records, asked, tmp_path, monkeypatch, room, brought
):
    shards = [far / "test-00000", far / "train-00000"]  # the second is four times as large
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "cache"))
    monkeypatch.setenv(cache.GIGABYTES, str(room * shards[0].stat().st_size / 1e9))
    remote.bring_ahead(shards).join()
    for path in shards:
        asked.clear()
        with path.open("rb", buffering=0) as file, (tiny_records / path.name).open("rb") as same:
            assert [file.seek(9), file.read(5)] == [same.seek(9), same.read(5)]
        assert bool(asked) == (path.name[:-6] not in brought)


def test_records_of_a_store_are_asked_about_as_those_of_a_folder(far, tiny_records):
    found = list(sources.records(tiny_records))
    assert list(sources.records(far)) == found
    for source in found[::20]:
        one, other = (list(asking.encoded(f, source, None)) for f in (far, tiny_records))
        assert one == other


def test_crops_of_a_store_are_those_of_a_folder(tiny, object_store, monkeypatch):
    address = object_store("s3").fresh(monkeypatch, "crops")
    there = remote.path(object_store.fill(address, tiny))
    far = directory.load(there / "base", there / "crops")
    near = directory.load(tiny / "base", tiny / "crops")
    assert fingerprint.of(far) == fingerprint.of(near)
    rows = np.arange(len(near.splits["val"]))
    assert far.splits["val"].reader(rows) == near.splits["val"].reader(rows)
