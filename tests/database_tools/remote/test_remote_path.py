"""A path at an address says what the path of a folder of this machine would say."""

from __future__ import annotations

import pickle
import sys

import pytest

from database_tools import remote
from database_tools.core.errors import UserError
from database_tools.remote import RemotePath, access

SCHEMES = ("az", "s3", "gs")
FILES = {"x/a.jpg": b"aaa", "x/b#c d%41.jpg": b"bb", "x/y/c.json": b"\xef\xbb\xbf{}", "x/e": b""}


@pytest.fixture(scope="module", params=SCHEMES)
def there(request, object_store, tmp_path_factory):
    """An address with files, and a folder of this machine with the same."""
    local = tmp_path_factory.mktemp("local")
    with pytest.MonkeyPatch.context() as patch:
        address = object_store(request.param).fresh(patch, "paths")
        for name, content in FILES.items():
            (local / name).parent.mkdir(parents=True, exist_ok=True)
            (local / name).write_bytes(content)
            access.put(local / name, f"{address}/{name}")
        yield remote.path(address), local
        access.forget()


def test_it_answers_as_a_path_of_this_machine_does(there):
    far, near = there
    for name in (*FILES, "x", "x/y", "no", "x/no", "x/a.jpg/no"):
        one, other = far / name, near / name
        assert isinstance(one, RemotePath)
        said = [(p.exists(), p.is_file(), p.is_dir()) for p in (one, other)]
        assert said[0] == said[1], name
        if other.is_file():
            assert one.stat().st_size == other.stat().st_size
            assert one.stat().st_mtime_ns > 10**18  # after 2001
            assert one.read_bytes() == other.read_bytes()
            with one.open("rb", buffering=0) as file, other.open("rb") as same:
                assert [file.seek(1), file.read(1), file.read()] == [
                    same.seek(1), same.read(1), same.read()
                ]  # fmt: skip
    assert sorted(p.name for p in (far / "x").iterdir()) == sorted(
        p.name for p in (near / "x").iterdir()
    )
    assert [p.name for p in (far / "x").glob("a*")] == ["a.jpg"]
    assert [p.name for p in far.glob("*/a*")] == ["a.jpg"]
    assert sorted(far.below()) == sorted(FILES)
    assert (far / "x/y/c.json").open(encoding="utf-8-sig").read() == "{}"


def test_a_folder_is_listed_after_some_files_were_asked_about(there, monkeypatch):
    far, _ = there
    access.forget()
    asked = []
    real = access.filesystem(far.parts[0][:2])
    monkeypatch.setattr(real, "info", lambda *a, f=real.info: (asked.append(a), f(*a))[1])
    for _ in range(50):
        assert (far / "x" / "a.jpg").exists()
    assert len(asked) == access._SINGLY


def test_it_is_an_address_whatever_is_done_to_it():
    path = remote.path("az://c/p/a.jpg")
    assert str(path) == "az://c/p/a.jpg"
    assert str(path.parent / "b") == str(remote.path("az:/c/p/b")) == "az://c/p/b"
    assert path.resolve() == path == pickle.loads(pickle.dumps(path))
    assert str(path.with_name("z")) == "az://c/p/z"
    assert not isinstance(remote.path("/az:/c"), RemotePath)


@pytest.mark.parametrize("write", ["mkdir", "unlink", "touch", "write_text"])
def test_nothing_is_written_through_it(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="az://c/p: cannot be written"):
        getattr(remote.path("az://c/p"), write)()
    with pytest.raises(UserError, match="cannot be written"):
        remote.path("az://c/p").open("wb")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_refuses_is_one_line_without_its_key(object_store, monkeypatch):
    place = object_store("az")
    told = place.environment["AZURE_STORAGE_CONNECTION_STRING"]
    key = told.partition("AccountKey=")[2].partition(";")[0]
    wrong = "d3JvbmcgU0VDUkVU"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", told.replace(key, wrong))
    access.forget()
    said = r"az://c: the store refuses .40[013].; credentials"
    with pytest.raises(UserError, match=said) as caught:
        remote.path("az://c").is_dir()
    assert wrong not in str(caught.value)
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    access.forget()
    with pytest.raises(UserError, match="no credentials"):
        remote.path("az://c").is_dir()
    access.forget()


def test_a_missing_extra_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    access.forget()
    with pytest.raises(UserError, match=r'gs:// needs gcsfs: pip install -e "\.\[gs\]"'):
        remote.path("gs://b").is_dir()
