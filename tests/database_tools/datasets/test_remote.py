"""A build whose pictures and outputs are in an object store: the bytes of one on this machine."""

from __future__ import annotations

import pytest

from database_tools import make_classification_dataset
from database_tools.core.errors import UserError
from database_tools.remote import access

SCHEMES = ("az", "s3", "gs")


@pytest.fixture
def build(request, object_store, world, tmp_path, monkeypatch):
    """Build there; called again, it is the same command."""
    store = object_store(getattr(request, "param", "s3"))
    address = store.fresh(monkeypatch, f"build-{request.function.__name__[5:20].replace('_', '-')}")
    object_store.fill(f"{address}/images", world.fill().images)

    def run(*flags):
        words = world.words(*flags, "--cache_dir", tmp_path / "cache")
        far = {str(world.images): f"{address}/images"}
        far |= {str(world.folder / "out" / kind): f"{address}/out/{kind}" for kind in "ct"}
        return make_classification_dataset.main([far.get(word, word) for word in words])

    run.address = address
    return run


@pytest.mark.parametrize("build", SCHEMES, indirect=True)
def test_it_is_that_of_a_build_on_this_machine(build, object_store, world, monkeypatch, capsys):
    (world.images / "B/i004.jpg").unlink()
    access.remove(f"{build.address}/images/B/i004.jpg")
    near = world.run()
    order = []
    put = access.put
    monkeypatch.setattr(access, "put", lambda a, b: (order.append(b.rpartition("/")[2]), put(a, b)))
    assert build() == near.status == 0
    assert object_store.contents(f"{build.address}/out") == near.contents()
    assert order.index("dataset_info.json") > max(order.index(n) for n in near.shards())
    # the second run finds all there
    order.clear()
    assert build() == 0
    assert order == []
    assert "nothing to do" in capsys.readouterr().err


def test_what_a_cut_network_left_out_is_put_by_the_next_run(
    build, object_store, world, monkeypatch, capsys
):
    near, put, number = world.run(), access.put, 0

    def until_cut(source, address):
        nonlocal number
        number += 1
        if number > 3:
            raise UserError(f"{address}: the store does not answer")
        put(source, address)

    monkeypatch.setattr(access, "put", until_cut)
    assert build() == 2
    assert capsys.readouterr().err.rstrip().splitlines()[-1].endswith("does not answer")
    there = object_store.contents(f"{build.address}/out")
    assert 0 < len(there) <= 3
    assert not [name for name in there if name.endswith("dataset_info.json")]
    monkeypatch.setattr(access, "put", put)
    assert build() == 0
    assert object_store.contents(f"{build.address}/out") == near.contents()


def test_a_build_of_other_flags_takes_the_place_of_the_one_before(build, object_store, world):
    assert build("--ims_per_record", "2") == 0
    near = world.run("--padding_factor", "1.2")
    assert build("--padding_factor", "1.2") == 0
    assert object_store.contents(f"{build.address}/out") == near.contents()


def test_files_that_no_run_put_there_are_refused_and_stay(build, object_store, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    access.put(tmp_path / "notes.txt", f"{build.address}/out/t/notes.txt")
    assert build() == 2
    assert "/out/t: holds notes.txt, which no run" in capsys.readouterr().err.splitlines()[-1]
    assert list(object_store.contents(f"{build.address}/out")) == ["t/notes.txt"]
