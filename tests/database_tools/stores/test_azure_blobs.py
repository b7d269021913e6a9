"""Azure's blobs where things go wrong: addresses, SAS, the network."""

from __future__ import annotations

import importlib.util
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from database_tools import stores
from database_tools.core.errors import UserError
from database_tools.stores import Unavailable
from database_tools.stores.container_url import ContainerUrl


@pytest.fixture(scope="module")
def filled(azurite):
    azurite.fill("pictures", {"a.jpg": b"aa", "empty.jpg": b"", "elk": b"x", "elk/b.jpg": b"b"})
    azurite.fill("others", {"a.jpg": b"other"})
    with azurite.service as service:
        folder = service.get_blob_client("pictures", "marked")
        folder.upload_blob(b"", metadata={"hdi_isfolder": "true"}, overwrite=True)
    return azurite


@pytest.fixture
def azure(filled, monkeypatch):
    monkeypatch.setenv("AZURE_BLOB_ENDPOINT", filled.endpoint)
    return filled


def asked(url):
    return stores.open_store(url).exists("a.jpg")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://account.blob.core.windows.net/c12?sig=SECRET", "expected https://ACCOUNT"),
        ("https://account.blob.core.windows.net?sig=SECRET", "'' is no container's name"),
        ("https://account.blob.core.windows.net/A_b?sig=SECRET", "'A_b' is no container's name"),
        ("https://user:SECRET@host/pictures", "a name and password"),
        ("https://account.blob.core.windows.net/pictures?SECRET", "is no SAS, which has sig="),
        ("https:///pictures?sig=SECRET", "expected https://ACCOUNT"),
    ],
)
def test_an_address_that_breaks_its_form_is_one_line_without_secrets(monkeypatch, text, said):
    monkeypatch.delenv("AZURE_BLOB_ENDPOINT", raising=False)
    with pytest.raises(UserError, match=r"expected|SAS") as caught:
        stores.open_store(text)
    assert said in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_an_address_is_taken_apart_and_shown_without_its_sas(monkeypatch):
    monkeypatch.delenv("AZURE_BLOB_ENDPOINT", raising=False)
    url = ContainerUrl.parse("https://a.blob.core.windows.net/pictures/x%20y/z/?sp=r&sig=SECRET")
    assert (url.container, url.folder, url.sas) == ("pictures", "x y/z/", "sp=r&sig=SECRET")
    assert str(url) == "https://a.blob.core.windows.net/pictures/x y/z"
    assert "SECRET" not in repr(url)
    monkeypatch.setenv("AZURE_BLOB_ENDPOINT", "http://127.0.0.1:10000/{account}")
    url = ContainerUrl.parse("https://a.blob.core.windows.net/pictures")
    assert url.address == "http://127.0.0.1:10000/a"
    assert ContainerUrl.parse("http://127.0.0.1:10000/a/pictures") == url
    monkeypatch.setenv("AZURE_BLOB_ENDPOINT", "http://example.org/{account}")
    with pytest.raises(UserError, match="AZURE_BLOB_ENDPOINT: must begin with https"):
        ContainerUrl.parse("https://a.blob.core.windows.net/pictures")


def signature_changed(url):
    head, _, signature = url.rpartition("sig=")
    return f"{head}sig={'A' * 8}{signature[8:]}"


BAD = {
    "expired": (lambda azure: azure.url("pictures", hours=-1), "its SAS ended at 20"),
    "wrong": (lambda azure: signature_changed(azure.url("pictures")), "of another container or in"),
    "of another container": (
        lambda azure: azure.url("others").replace("/others?", "/pictures?"),
        "its SAS is of another container",
    ),
    "write only": (lambda azure: azure.url("pictures", "w"), "permits neither to read nor to list"),
    "list only": (lambda azure: azure.url("pictures", "l"), "(it permits l;"),
    "none": (lambda azure: azure.url("pictures").partition("?")[0], "it wants a SAS"),
    "gone": (lambda azure: azure.url("gone"), "no such container (ContainerNotFound)"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_azure_refuses_ends_the_run_in_one_line_without_the_sas(azure, tmp_path, case):
    make, said = BAD[case]
    url = make(azure)
    store = stores.open_store(url)
    for call in (
        lambda: store.exists("a.jpg"),
        lambda: store.open("a.jpg"),
        lambda: store.fetch("a.jpg", tmp_path / "x"),
    ):
        with pytest.raises(UserError) as caught:
            call()
        message = str(caught.value)
        assert said in message
        assert message.startswith(f"http://127.0.0.1:{azure.port}/account/")
        assert "sig=" not in message
    assert not (tmp_path / "x").exists()


def test_a_sas_that_only_reads_neither_lists_nor_writes(azure):
    store = stores.open_store(azure.url("pictures", "r"))
    assert store.exists("a.jpg")
    for call in (lambda: list(store.list()), lambda: store.write("new.jpg", b"")):
        with pytest.raises(UserError, match=r"\(it permits r;"):
            call()
    stores.open_store(azure.url("pictures", "w")).write("new.jpg", b"new")
    assert store.open("new.jpg").read() == b"new"


def test_what_stands_for_a_folder_is_no_file(azure, tmp_path):
    store = stores.open_store(azure.url("pictures"))
    assert store.exists("elk")
    assert store.exists("elk/b.jpg")
    assert not store.exists("marked")
    with pytest.raises(Unavailable, match="missing"):
        store.fetch("marked", tmp_path / "x")
    assert not store.exists("x" * 1025)
    assert not store.exists("caf\udce9.jpg")


def test_a_machine_that_does_not_answer_ends_the_run_and_one_that_did_loses_one_file(
    azure, tmp_path, monkeypatch, proxies
):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    store = stores.open_store(azure.url("pictures"))
    with proxies.running(azure.port, {proxies.RESET: 1.0}) as proxy:
        endpoint = f"http://127.0.0.1:{proxy.server_address[1]}/{{account}}"
        monkeypatch.setenv("AZURE_BLOB_ENDPOINT", endpoint)
        with pytest.raises(UserError, match="no answer: ServiceResponseError") as caught:
            asked(azure.url("pictures"))
        assert "sig=" not in str(caught.value)
        assert proxy.counts[proxies.RESET] == 6
        proxy.faults = {}
        store = stores.open_store(azure.url("pictures"))
        assert store.exists("a.jpg")
        proxy.faults = {proxies.BUSY: 1.0}
        with pytest.raises(Unavailable, match="unreadable"):
            store.fetch("a.jpg", tmp_path / "x")
        assert proxy.counts[proxies.BUSY] == 6
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def proxies():
    path = Path(__file__).parents[2] / "faulty_proxy.py"
    spec = importlib.util.spec_from_file_location("faulty_proxy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_300_pictures_arrive_whole_by_50_threads_though_one_request_in_ten_fails(
    azure, tmp_path, monkeypatch, proxies
):
    waits, now = [], threading.local()

    def sleep(seconds):  # the faults come from a seed, not from time: so nobody need wait
        now.waited += seconds

    blobs = {f"{i}.jpg": random.Random(i).randbytes(500_000) for i in range(30)}
    azure.fill("many", blobs)
    faults = {proxies.RESET: 0.04, proxies.BUSY: 0.03, proxies.CUT: 0.03}
    with proxies.running(azure.port, faults) as proxy:
        endpoint = f"http://127.0.0.1:{proxy.server_address[1]}/{{account}}"
        monkeypatch.setenv("AZURE_BLOB_ENDPOINT", endpoint)
        store = stores.open_store(azure.url("many"))
        monkeypatch.setattr("time.sleep", sleep)

        def fetch(i):
            now.waited = 0.0
            store.fetch(f"{i % 30}.jpg", tmp_path / f"{i}.jpg")
            waits.append(now.waited)

        with ThreadPoolExecutor(50) as executor:
            list(executor.map(fetch, range(300)))
    assert all(proxy.counts[kind] > 8 for kind in faults)
    assert len(waits) == 300
    assert max(waits) <= 3
    for i in range(300):
        assert (tmp_path / f"{i}.jpg").read_bytes() == blobs[f"{i % 30}.jpg"]


def test_waits_double_up_to_a_limit_and_are_drawn_from_zero_on(azure):
    from database_tools.stores import azure_blobs

    patience = azure_blobs._Patience()
    longest = [
        max(patience.get_backoff_time({"count": n}) for _ in range(1000)) for n in (1, 2, 5, 12)
    ]
    for drawn, most in zip(longest, (0.1, 0.2, 1.6, 30.0), strict=True):
        assert 0.9 * most < drawn <= most
    assert min(patience.get_backoff_time({"count": 5}) for _ in range(1000)) < 0.1
    assert patience.total_retries == 5


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "database_tools.stores.azure_blobs", None)
    with pytest.raises(UserError, match=r"pip install 'tf-classification\[azure\]'") as caught:
        stores.open_store("https://account.blob.core.windows.net/pictures?sig=SECRET")
    assert "SECRET" not in str(caught.value)
