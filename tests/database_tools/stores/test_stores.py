"""What every store does.  A kind of store is added by a maker that fills one with files."""

from __future__ import annotations

import os

import pytest

from database_tools import stores
from database_tools.core.errors import UserError
from database_tools.stores import Unavailable

FILES = {"elk/a.jpg": b"aa", "elk/b/c.jpg": b"c" * 9_000_000, "z.png": b"", "h\u00f8rt.jpg": b"h"}
FILES |= {"a b#c?d%41&e+.jpg": b"#"}


def fill(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def local(folder, files):
    return stores.open_store(str(fill(folder, files)))


def of_address(folder, files):
    return stores.open_store(f"file://{fill(folder, files)}")


@pytest.fixture
def azure(request, monkeypatch):
    """A maker of stores that are folders of one container."""
    azurite = request.getfixturevalue("azurite")
    monkeypatch.setenv("AZURE_BLOB_ENDPOINT", azurite.endpoint)

    def make(folder, files):
        below = f"{folder.parent.name}/{folder.name}"
        azurite.fill("stores", {f"{below}/{name}": files[name] for name in files})
        return stores.open_store(azurite.url("stores").replace("?", f"/{below}?"))

    return make


@pytest.fixture(scope="module")
def filled():
    """Addresses of what is filled already, by scheme and names: no test changes it."""
    return {}


def remote(request, scheme):
    """A maker of stores that are folders of one container of an object store."""
    object_store, filled, patch = map(
        request.getfixturevalue, ("object_store", "filled", "monkeypatch")
    )
    place = object_store(scheme)

    def make(folder, files):
        place.lead(patch)
        if (key := (scheme, *files)) not in filled:
            bucket = place.fresh(patch, "stores")
            filled[key] = object_store.fill(f"{bucket}/below", fill(folder, files))
        return stores.open_store(filled[key])

    return make


MAKERS = {
    "local": lambda request: local,
    "file address": lambda request: of_address,
    "azure": lambda request: request.getfixturevalue("azure"),
    "az": lambda request: remote(request, "az"),
    "s3": lambda request: remote(request, "s3"),
    "gs": lambda request: remote(request, "gs"),
}


@pytest.fixture(params=MAKERS)
def made(request, tmp_path):
    """A way to make a store of files, of each kind."""
    maker = MAKERS[request.param](request)
    (tmp_path / "store").mkdir()
    return lambda files=FILES: maker(tmp_path / "store", files)


@pytest.fixture
def store(made):
    return made()


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_there_opened_and_fetched(store, tmp_path, name):
    assert store.exists(name)
    with store.open(name) as file:
        assert file.read() == FILES[name]
    store.fetch(name, tmp_path / "new" / "x")
    assert (tmp_path / "new" / "x").read_bytes() == FILES[name]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["x"]  # nothing half written beside it


def test_names_are_listed_sorted_and_by_their_beginning(store):
    assert list(store.list()) == sorted(FILES)
    assert list(store.list("elk/b")) == ["elk/b/c.jpg"]
    assert list(store.list("no")) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no.jpg", "missing"),
        ("elk", "missing"),  # a folder
        ("elk/a.jpg/b.jpg", "missing"),
        ("../store/z.png", "file name outside the image folder"),
        ("/etc/hostname", "file name outside the image folder"),
        ("", "file name outside the image folder"),
    ],
)
def test_what_cannot_be_had_is_told_and_the_target_stays(store, tmp_path, name, reason):
    target = tmp_path / "kept"
    target.write_bytes(b"before")
    assert not store.exists(name)
    for call in (lambda: store.open(name), lambda: store.fetch(name, target)):
        with pytest.raises(Unavailable) as caught:
            call()
        assert caught.value.reason == reason
    assert target.read_bytes() == b"before"


def test_a_name_in_another_unicode_form_finds_its_file(made):
    assert made({"e\u0301.jpg": b"e"}).exists("\u00e9.jpg")


def test_fetching_takes_the_place_of_what_is_there(store, tmp_path):
    for name in ("elk/a.jpg", "elk/a.jpg", "z.png"):
        store.fetch(name, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b""


def test_a_local_file_is_linked_where_the_disk_can_and_copied_where_not(tmp_path, monkeypatch):
    store = local(tmp_path / "store", FILES)
    link = tmp_path / "store" / "link.jpg"
    link.symlink_to(tmp_path / "store" / "elk" / "a.jpg")
    store.fetch("link.jpg", tmp_path / "x")
    assert (tmp_path / "x").samefile(tmp_path / "store" / "elk" / "a.jpg")
    assert not (tmp_path / "x").is_symlink()

    def refuse(*paths, **options):
        raise OSError(18, "another disk")

    monkeypatch.setattr(os, "link", refuse)
    store.fetch("elk/b/c.jpg", tmp_path / "y")
    assert (tmp_path / "y").read_bytes() == FILES["elk/b/c.jpg"]
    assert (tmp_path / "y").stat().st_nlink == 1


def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "p.jpg")
    store = stores.open_store(str(tmp_path))
    assert not store.exists("p.jpg")
    assert list(store.list()) == []
    with pytest.raises(Unavailable):
        store.open("p.jpg")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://x?sig=SECRET", "in the environment"),
        ("az://me:SECRET@x/y", "in the environment"),
        ("ftp://x?sig=SECRET", "not read yet"),
        ("/no/such", "no such"),
    ],
)
def test_a_place_that_cannot_be_opened_is_one_line_without_secrets(place, said):
    with pytest.raises(UserError, match=said) as caught:
        stores.open_store(place)
    assert "SECRET" not in str(caught.value)
