"""Outputs come to the store file by file; what closes them comes last, whatever happens before."""

from __future__ import annotations

import threading

import pytest

from database_tools import remote
from database_tools.remote import access
from database_tools.remote.access import Entry
from database_tools.stores import staging

PLACE = "s3://b/out"


@pytest.fixture
def store(monkeypatch):
    """What lies in a store that keeps all in memory: address to bytes."""
    there: dict[str, bytes] = {}

    def below(folder):
        start = f"{folder}/"
        return {
            a[len(start) :]: Entry(False, len(c)) for a, c in there.items() if a.startswith(start)
        }

    monkeypatch.setattr(access, "below", below)
    monkeypatch.setattr(access, "put", lambda path, a: there.update({a: path.read_bytes()}))
    monkeypatch.setattr(access, "remove", lambda a: there.pop(a, None))
    return there


def staged(tmp_path, place=PLACE, **more):
    return staging.staged(remote.path(place), tmp_path, **more)


def test_what_is_whole_is_put_while_the_command_runs(store, tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "_EVERY", 0.01)
    came, put = threading.Event(), access.put
    monkeypatch.setattr(access, "put", lambda path, a: (put(path, a), came.set()))
    with staged(tmp_path) as local:
        (local / "dataset_info.json").write_text("{}")
        (local / ".train-00001.part").write_text("half")
        (local / "train-00000").write_text("whole")
        assert came.wait(10)
        assert set(store) == {f"{PLACE}/train-00000"}
    assert store == {f"{PLACE}/train-00000": b"whole", f"{PLACE}/dataset_info.json": b"{}"}


def test_a_run_that_is_interrupted_puts_nothing_more_and_the_next_puts_the_rest(store, tmp_path):
    def interrupted():
        with staged(tmp_path) as local:
            (local / "a").write_text("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store == {}
    with staged(tmp_path) as local:
        assert (local / "a").read_text() == "a"
    assert store == {f"{PLACE}/a": b"a"}
    del store[f"{PLACE}/a"]  # somebody took it away
    with staged(tmp_path):
        pass
    assert store == {f"{PLACE}/a": b"a"}


def test_what_closes_a_dataset_goes_before_what_it_speaks_of_changes(store, tmp_path, monkeypatch):
    with staged(tmp_path) as local:
        (local / "dataset_info.json").write_text("1")
        (local / "train-00000").write_text("1")
    seen, put = [], access.put
    monkeypatch.setattr(
        access,
        "put",
        lambda p, a: (seen.append((p.name, f"{PLACE}/dataset_info.json" in store)), put(p, a)),
    )
    with staged(tmp_path) as local:
        (local / "dataset_info.json").write_text("22")
        (local / "train-00000").write_text("22")
    assert seen == [("train-00000", False), ("dataset_info.json", False)]


def test_a_file_takes_what_is_beside_it_along_and_refuses_no_stranger(store, tmp_path):
    store["s3://b/other.txt"] = b"x"
    with staged(tmp_path, "s3://b/found.csv", is_file=True) as local:
        local.write_text("a,b")
        (local.parent / "ledger.json").write_text("{}")
        (local.parent / "found.csv.units").mkdir()
        (local.parent / "found.csv.units" / "1.npz").write_bytes(b"")
    assert set(store) == {f"s3://b/{name}" for name in ("other.txt", "found.csv", "ledger.json")}
