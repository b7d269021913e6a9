"""MegaDB in Cosmos DB: its answers are those of a local database of the same labels.

An emulator answers the queries themselves.  It overlooks partitions, is never too busy and takes
any key, so a stand-in with the service's pages, as they were recorded, shows what is asked for.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from database_tools import import_labels, json_validator, megaclassifier_label_spec
from database_tools.labels_db.database import LabelDatabase

KEY = base64.b64encode(b"not to be seen by anybody").decode()
SAS = "?se=2030-01-01&sig=secret%2Bsignature"
ELSEWHERE = {"path_prefix": "", "storage_account": "elsewhere", "container": "pictures"}
DATASETS = [
    {"dataset_name": "idfg", **ELSEWHERE, "path_prefix": "2020", "container_sas_key": SAS},
    {"dataset_name": "Caltech", **ELSEWHERE},
    {"dataset_name": "unasked", **ELSEWHERE},
    {"dataset_name": "none", **ELSEWHERE},
]


def sequence(dataset, number, classes, *images, **more):
    """A sequence and its images, each of a file's name and its own classes."""
    common = {"class": classes.split()} if classes else {}
    own = [
        {"file": file, **({"class": names} if (names := words.split()) else {})}
        for file, *words in (image.split("/", 1) for image in images)
        for words in words or [""]
    ]
    return {"dataset": dataset, "seq_id": f"s{number}", **common, "images": own, **more}


BOX = {"category": "animal", "bbox": [0.1, 0.2, 0.3, 0.4]}
SEQUENCES = [
    sequence("idfg", 1, "fox", "b.jpg", "a.jpg", location=13, datetime="2020-05-01 03:44:54"),
    sequence("idfg", 2, "fox", "c.jpg/deer", "ü.jpg", location={"site": 2}),
    sequence("idfg", 3, "", "d.jpg/fox deer", "e.jpg/__label_unavailable"),
    sequence("idfg", "dummy_4", "fox", "f.jpg", location="013"),
    sequence("idfg", 5, "empty", "g.jpg"),
    sequence("idfg", 6, "wolf fox", "h.jpg"),
    sequence("Caltech", 1, "Fox", "z.jpg"),
    {**sequence("Caltech", 2, "coyote", "y.jpg"), "images": [{"file": "y.jpg", "bbox": [BOX]}]},
    *(sequence("idfg", n, "fox", f"{n}.jpg") for n in range(100, 200)),
    sequence("unasked", 1, "fox", "x.jpg"),
]
TAXA = {
    ("idfg", "fox"): "vulpes vulpes",
    ("caltech", "fox"): "vulpes vulpes",
    ("caltech", "coyote"): "canis latrans",
    ("idfg", "deer"): "odocoileus hemionus",
}
SPEC = {
    "canid": {
        "taxa": [{"level": "species", "name": n} for n in ("vulpes vulpes", "canis latrans")]
    },
    "cervid": {"dataset_labels": {"idfg": ["deer"]}},
}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A folder with a taxonomy, a specification, MegaDB as JSON, and no word about a database."""
    lines = ["dataset_name,query,source,taxonomy_level,scientific_name,taxonomy_string"]
    for (dataset, label), name in TAXA.items():
        lines.append(f"{dataset},{label},gbif,species,{name},\"[(1, 'species', '{name}', [])]\"")
    (tmp_path / "taxonomy.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "spec.json").write_text(json.dumps(SPEC), encoding="utf-8")
    (tmp_path / "megadb.json").write_text(json.dumps(SEQUENCES), encoding="utf-8")
    for name in ("TF_CLASSIFICATION_DB", "COSMOS_ENDPOINT", "COSMOS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def filled(cosmos):
    cosmos.fill(DATASETS, SEQUENCES)
    return cosmos


@pytest.fixture
def megadb(world, filled, monkeypatch):
    monkeypatch.setenv("COSMOS_ENDPOINT", filled.endpoint)
    monkeypatch.setenv("COSMOS_KEY", filled.key)
    return world


def import_locally(folder):
    for dataset, prefix in (("idfg", "2020"), ("Caltech", ""), ("unasked", "")):
        words = ["labels.db", "megadb.json", "--dataset", dataset, "--path-prefix", prefix]
        assert import_labels.main(words) == 0
    return ["--db", str(folder / "labels.db")]


def validate(*flags):
    return json_validator.main(["spec.json", "taxonomy.csv", *flags])


@pytest.mark.parametrize(
    "flags",
    [
        ["--sequence_labels", "single", "--multiple_labels", "keep", "--json-indent", "1"],
        ["--min-locs", "2"],
    ],
)
def test_the_answers_are_those_of_a_local_database(megadb, flags):
    local = import_locally(megadb)
    assert validate("-o", "of_db", *local, *flags) == 0
    assert validate("-o", "of_megadb", *flags) == 0
    files = {p.name: p.read_bytes() for p in Path("of_db").iterdir() if "_log_" not in p.name}
    assert files["queried_images.json"].count(b"idfg/2020/") >= 100
    assert {p.name: p.read_bytes() for p in Path("of_megadb").iterdir() if p.name in files} == files


def test_what_counts_and_what_is_proposed_are_those_of_a_local_database(megadb, capsys):
    local = import_locally(megadb)
    said = []
    for flags in (local, []):
        capsys.readouterr()
        assert validate("--explain", *flags) == 0
        words = ["taxonomy.csv", "out", "--min-images", "1", *flags]
        assert megaclassifier_label_spec.main(words) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    # of exactly one class: s1's two, the burst's one of s2, f.jpg, 100 more, z.jpg and y.jpg
    assert " 106 " in said[0]


def test_a_dataset_is_imported_with_its_place_and_without_its_sas(megadb):
    import_locally(megadb)
    assert import_labels.main(["of_megadb.db", "--dataset", "idfg"]) == 0
    rows = []
    for path in (Path("labels.db"), Path("of_megadb.db")):
        with LabelDatabase(path) as labels:
            rows.append([*labels.images("idfg", {"fox", "deer"}), *labels.shots("idfg")])
            place = labels.datasets()["idfg"]
    assert rows[0] == rows[1]
    assert place.signed_url() == "https://elsewhere.blob.core.windows.net/pictures"
    assert place.path_prefix == "2020"
    assert b"signature" not in Path("of_megadb.db").read_bytes()


class Service(ThreadingHTTPServer):
    """Answers as Cosmos DB does: the documents of the partition that is named, one a page.

    Attributes:
        asked: (partition key, query) of each page.
        busy: how often it says that it has no time, in whole.
        times: when it was asked for pages.
        status: of every answer.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked, self.times, self.busy, self.status = [], [], 0, 200
        self.rows = {"datasets": DATASETS[:1], "sequences": SEQUENCES}

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        here = [{"name": "here", "databaseAccountEndpoint": self.server.address}]
        account = {"writableLocations": here, "readableLocations": here}
        consistency = {"userConsistencyPolicy": {"defaultConsistencyLevel": "Session"}}
        partition = {"partitionKey": {"paths": ["/dataset"], "kind": "Hash", "version": 2}}
        self.answer({**account, **consistency, **partition, "_rid": "gAABAIAAAAI=", "_self": "x"})

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["content-length"])))
        container = self.path.split("/")[4]
        key = json.loads(self.headers.get("x-ms-documentdb-partitionkey", "[null]"))[0]
        start = int(self.headers.get("x-ms-continuation", 0))
        self.server.times.append(time.monotonic())
        if self.server.busy:
            self.server.busy -= 1
            wait = {"x-ms-retry-after-ms": "60"}
            return self.answer({"code": "429", "message": "too large"}, 429, wait)
        self.server.asked.append((key, query["query"]))
        rows = [row for row in self.server.rows[container] if row.get("dataset") == key]
        more = {"x-ms-continuation": str(start + 1)} if start + 1 < len(rows) else {}
        return self.answer({"_rid": "r", "Documents": rows[start : start + 1]}, headers=more)

    def answer(self, body, status=200, headers=()):
        text = json.dumps(body).encode()
        self.send_response(status if self.server.status == 200 else self.server.status)
        length = {"content-type": "application/json", "content-length": str(len(text))}
        for name, value in {**length, **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def service(world, monkeypatch):
    pytest.importorskip("azure.cosmos", reason="azure-cosmos is not installed")
    with contextlib.closing(Service()) as server:
        server.close = server.server_close
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("COSMOS_ENDPOINT", server.address)
        monkeypatch.setenv("COSMOS_KEY", KEY)
        yield server
        server.shutdown()


def test_a_dataset_is_read_from_its_own_partition_page_by_page(service):
    service.rows["sequences"] = SEQUENCES[:8]
    assert import_labels.main(["labels.db", "--dataset", "idfg"]) == 0
    keys = [key for key, _ in service.asked]
    assert keys == [None, *["idfg"] * 6]
    assert all("seq.dataset = @dataset" in query for _, query in service.asked[1:])
    with LabelDatabase(Path("labels.db")) as labels:
        assert len(list(labels.shots("idfg"))) == 9


def test_it_waits_as_long_as_it_is_told(service):
    service.rows["sequences"], service.busy = SEQUENCES[:1], 11
    assert import_labels.main(["labels.db", "--dataset", "idfg"]) == 0
    waits = [b - a for a, b in zip(service.times[:11], service.times[1:12], strict=True)]
    assert min(waits) >= 0.06


@pytest.mark.parametrize(
    ("status", "rule"),
    [(401, "does not accept COSMOS_KEY"), (404, "no database camera-trap"), (418, "status 418")],
)
def test_a_refusal_is_one_line_without_the_key(service, capfd, status, rule):
    service.status = status
    assert validate("-o", "out") == 2
    said = capfd.readouterr().err
    assert rule in said
    assert said.count("\n") == 1
    assert KEY not in said


def test_what_a_sequence_breaks_is_told_with_its_place(service, capfd):
    service.rows["sequences"] = [{**SEQUENCES[0], "images": [{"frame_num": 1}]}]
    assert import_labels.main(["labels.db", "--dataset", "idfg"]) == 2
    assert "MegaDB: idfg: 's1': no key 'file'" in capfd.readouterr().err
    assert import_labels.main(["labels.db", "--dataset", "elk"]) == 2
    assert "MegaDB: no dataset 'elk'; it has idfg" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("variables", "rule"),
    [
        ({}, "give --db FILE, or set TF_CLASSIFICATION_DB, or COSMOS_ENDPOINT and COSMOS_KEY"),
        ({"COSMOS_KEY": KEY}, "give --db FILE, or set TF_CLASSIFICATION_DB, or COSMOS_ENDPOINT"),
        ({"COSMOS_ENDPOINT": KEY, "COSMOS_KEY": "https://x.y/"}, "COSMOS_ENDPOINT must be an add"),
        ({"COSMOS_ENDPOINT": "http://a.b/", "COSMOS_KEY": KEY}, "COSMOS_ENDPOINT must be an add"),
        ({"COSMOS_ENDPOINT": "https://a.b/", "COSMOS_KEY": "kéy"}, "COSMOS_KEY is no key"),
        ({"TF_CLASSIFICATION_DB": "gone.db", "COSMOS_ENDPOINT": "x", "COSMOS_KEY": "x"}, "gone.db"),
    ],
)
def test_what_is_not_or_wrongly_set_is_one_line(world, monkeypatch, capfd, variables, rule):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert validate("-o", "out") == 2
    said = capfd.readouterr().err
    assert rule in said
    assert not any(value in said for value in variables.values() if value != "gone.db")
    assert not Path("out").exists()


def test_the_file_that_is_given_is_asked_before_megadb(world, monkeypatch):
    monkeypatch.setenv("COSMOS_ENDPOINT", "https://nowhere.invalid/")
    monkeypatch.setenv("COSMOS_KEY", KEY)
    assert validate("-o", "out", *import_locally(world)) == 0


def test_without_the_extra_a_line_says_what_to_install(world, monkeypatch, capfd):
    monkeypatch.setenv("COSMOS_ENDPOINT", "https://a.documents.azure.com/")
    monkeypatch.setenv("COSMOS_KEY", KEY)
    monkeypatch.setitem(sys.modules, "azure.cosmos", None)
    assert validate("-o", "out") == 2
    assert "pip install 'tf-classification[azure]'" in capfd.readouterr().err
