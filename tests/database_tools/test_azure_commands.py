"""The commands whose pictures lie in containers of Azure."""

from __future__ import annotations

import importlib
import io
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
import pytest
from PIL import Image

from database_tools import crop_detections, detect_and_crop, download_images, json_validator
from database_tools.core.label_entries import Picture, Said
from database_tools.formats import ledger_json
from database_tools.labels_db import importing
from database_tools.labels_db.importing import Place
from database_tools.stores import azure_blobs, presence

BOX = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.5, 0.5]}
SPECIAL = "elk/høg #1 100%25?.jpg"


def picture(seed):
    content = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(content, "JPEG")
    return content.getvalue()


PICTURES = {"elk/a.jpg": picture(1), SPECIAL: picture(2), "elk/c.jpg": picture(3)}


@pytest.fixture(scope="module")
def filled(azurite):
    azurite.fill("camera", {f"cct/{name}": PICTURES[name] for name in PICTURES})
    azurite.fill("camera", {"cct/elk/empty.jpg": b"", "cct/deer": PICTURES["elk/a.jpg"]})
    azurite.fill("camera", {"cct/deer/d.jpg": PICTURES["elk/a.jpg"]})
    return azurite


class World:
    """A folder with labels of the dataset ``ds``, whose pictures lie in ``camera``."""

    def __init__(self, folder, azurite, monkeypatch):
        self.folder, self.azurite = folder, azurite
        monkeypatch.chdir(folder)
        monkeypatch.setenv("AZURE_BLOB_ENDPOINT", azurite.endpoint)
        monkeypatch.setenv("TF_CLASSIFICATION_DB", "labels.db")
        self.setenv = monkeypatch.setenv
        self.sas()
        self.label(*PICTURES, "elk/gone.jpg", "elk/empty.jpg")

    def sas(self, permission="rl", hours=1.0):
        self.setenv("DS_SAS", "?" + self.azurite.sas("camera", permission, hours))

    def label(self, *names, container="camera"):
        url = f"https://{self.azurite.account}.blob.core.windows.net/{container}"
        place = Place("ds", url, "cct", "DS_SAS")
        entries = [Picture(i, name) for i, name in enumerate(names)]
        entries += [Said(i, "fox") for i in range(len(names))]
        importing.run(Path("labels.db"), place, entries, Path("labels"))

    def detections(self, names, folder):
        """Write a detection file of one box in each picture."""
        table = {
            "info": {"format_version": "1.0", "detector": "md_v4.1.0.pb"},
            "detection_categories": {"1": "animal"},
            "images": [{"file": name, "detections": [BOX]} for name in names],
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ds.json").write_text(json.dumps(table))

    def crop(self, *flags):
        """Run the README's command of step 2, of how people run MegaClassifier."""
        self.detections([*PICTURES, "elk/gone.jpg", "elk/empty.jpg"], Path())
        words = "ds.json crops --detector-version 4.1 --threshold 0.8 --square-crops --threads 50"
        return crop_detections.main([*words.split(), "--logdir", ".", "--workers", "1", *flags])

    @property
    def container_url(self):
        return self.azurite.url("camera").replace("?", "/cct?")

    def files(self, below):
        files = (path for path in Path(below).rglob("*.jpg") if path.is_file())
        return {str(path.relative_to(below)): path.read_bytes() for path in files}


@pytest.fixture
def world(tmp_path, filled, monkeypatch):
    return World(tmp_path, filled, monkeypatch)


LOST = {"empty": ["elk/empty.jpg"], "missing": ["elk/gone.jpg"]}
CROPS = sorted(f"{name}___crop00_mdv4.1.jpg" for name in PICTURES)


def test_pictures_that_are_not_in_the_folder_come_from_the_container_and_stay_if_asked(world):
    Path("images/elk").mkdir(parents=True)
    Path("images/elk/a.jpg").write_bytes(PICTURES["elk/a.jpg"])
    where = ("--images-dir", "images", "--container-url", world.container_url)
    assert world.crop(*where, "--save-full-images") == 0
    assert sorted(world.files("crops")) == CROPS
    assert world.files("images") == {**PICTURES, "elk/empty.jpg": b""}
    assert ledger_json.read(Path("crops/crop_detections_ledger.json")).dropped == LOST
    [log] = Path().glob("crop_detections_log_*.json")
    numbers = json.loads(log.read_text())
    assert (numbers["num_new_downloads"], numbers["num_new_crops"]) == (3, 3)


@pytest.mark.slow
def test_a_run_that_is_killed_while_pictures_come_goes_on(world, tmp_path):
    """Killed twice, each time when some pictures are there; every file is whole at any moment."""
    world.azurite.fill("many", {f"{i}.jpg": picture(i) for i in range(120)})
    Path("list.txt").write_text("\n".join(f"ds/{i}.jpg" for i in range(120)))
    world.setenv("DS_SAS", world.azurite.sas("many"))
    world.label("x.jpg", container="many")
    command = [sys.executable, "-m", "database_tools.download_images", "txt", "list.txt", "got"]
    environ = os.environ | {"PYTHONPATH": str(Path(download_images.__file__).parents[1])}
    for there in (10, 60):
        process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
        while len(world.files("got")) < there and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        for name, content in world.files("got").items():
            assert content == picture(int(Path(name).stem))
    assert subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 0
    assert world.files("got") == {f"ds/{i}.jpg": picture(i) for i in range(120)}
    assert list(Path("got").rglob(".*.tmp")) == []


def test_half_written_pictures_of_a_killed_run_go(world):
    Path("images/elk").mkdir(parents=True)
    Path("images/elk/.a.jpg.1-1.tmp").write_bytes(b"half")
    where = ("--images-dir", "images", "--container-url", world.container_url)
    assert world.crop(*where, "--save-full-images") == 0
    assert not list(Path("images").rglob("*.tmp"))


def test_without_a_folder_pictures_go_when_they_are_cut_and_come_once(world, monkeypatch):
    assert world.crop("--container-url", world.container_url) == 0
    crops = world.files("crops")
    assert sorted(crops) == CROPS
    assert not Path("crops/.build/pictures").exists()
    Path("crops/elk/a.jpg___crop00_mdv4.1.jpg").unlink()
    fetched, fetch = [], azure_blobs.BlobContainer.fetch
    monkeypatch.setattr(
        azure_blobs.BlobContainer, "fetch", lambda *args: fetched.append(args[1]) or fetch(*args)
    )
    assert world.crop("--container-url", world.container_url) == 0
    assert sorted(fetched) == ["elk/a.jpg", "elk/empty.jpg", "elk/gone.jpg"]
    assert world.files("crops") == crops


def test_a_refusal_ends_the_run_and_the_same_command_goes_on_later(world, capsys):
    old = world.azurite.url("camera", hours=-1).replace("?", "/cct?")
    assert world.crop("--container-url", old) == 2
    said = capsys.readouterr().err
    assert "its SAS ended at" in said
    assert "sig=" not in said
    assert world.files("crops") == {}
    assert world.crop("--container-url", world.container_url) == 0
    assert sorted(world.files("crops")) == CROPS


def test_a_picture_whose_name_is_a_folder_is_in_the_way_of_those_below_it(world):
    world.detections(["deer", "deer/d.jpg"], Path())
    words = ["ds.json", "crops", "-c", world.container_url, "-v", "4.1", "--workers", "1"]
    assert crop_detections.main([*words, "--logdir", "."]) == 0
    assert sorted(world.files("crops")) == [
        "deer/d.jpg___crop00_mdv4.1.jpg",
        "deer___crop00_mdv4.1.jpg",
    ]
    Path("list.txt").write_text("ds/cct/deer\nds/cct/deer/d.jpg\n")
    assert download_images.main(["txt", "list.txt", "got"]) == 0
    clash = "file name that the output's disk takes for another one"
    [lost] = ledger_json.read(Path("got/download_images_ledger.json")).dropped[clash]
    assert lost in ("ds/cct/deer", "ds/cct/deer/d.jpg")


def test_queried_pictures_come_from_their_datasets_containers(world):
    names = [f"cct/{name}" for name in PICTURES]
    queried = {f"ds/{name}": {"dataset": "ds", "class": "fox", "label": ["fox"]} for name in names}
    queried["local/x.jpg"] = {"dataset": "local", "class": "fox", "label": ["fox"]}
    Path("queried.json").write_text(json.dumps(queried))
    world.detections(names, Path("mdcache/v4.1"))
    words = "queried.json . -c mdcache -v 4.1 -p crops --images-dir images --save-full-images"
    assert detect_and_crop.main([*words.split(), "--threads", "50", "--workers", "1"]) == 0
    assert world.files("images") == {f"ds/cct/{name}": PICTURES[name] for name in PICTURES}
    assert sorted(world.files("crops")) == [f"ds/cct/{name}" for name in CROPS]


def test_listed_pictures_are_downloaded_and_a_second_run_goes_on(world, capsys):
    names = [f"ds/cct/{name}" for name in PICTURES]
    Path("list.txt").write_text("\n".join([*names, "ds/cct/elk/gone.jpg", "other/x.jpg"]))
    words = ["txt", "list.txt", "got", "--threads", "50"]
    world.sas(hours=-1)
    assert download_images.main(words) == 2
    world.sas()
    assert download_images.main(words) == 0
    assert world.files("got") == {f"ds/cct/{name}": PICTURES[name] for name in PICTURES}
    ledger = ledger_json.read(Path("got/download_images_ledger.json"))
    assert ledger.dropped == {"missing": ["ds/cct/elk/gone.jpg", "other/x.jpg"]}
    entries = [{"dataset": "ds", "file": "elk/a.jpg", "download_id": 7}]  # without its prefix
    Path("list.json").write_text(json.dumps(entries))
    assert download_images.main(["json", "list.json", "other"]) == 0
    assert world.files("other") == {"7.jpg": PICTURES["elk/a.jpg"]}


def validate(world, *flags):
    columns = "dataset_name,query,source,taxonomy_level,scientific_name,taxonomy_string"
    lineage = "\"[(0, 'species', 'vulpes vulpes', [])]\""
    Path("taxonomy.csv").write_text(f"{columns}\nds,fox,gbif,species,vulpes vulpes,{lineage}\n")
    Path("spec.json").write_text('{"fox": {"dataset_labels": {"ds": ["fox"]}}}')
    words = ["spec.json", "taxonomy.csv", "-o", "out", "--json-indent", "1", *flags]
    return json_validator.main(words)


def queried():
    return sorted(json.loads(Path("out/queried_images.json").read_text()))


def test_pictures_that_are_in_no_container_are_left_out(world, capsys):
    world.label(*PICTURES, "elk/gone.jpg")
    assert validate(world, "-c") == 0
    assert queried() == sorted(f"ds/cct/{name}" for name in PICTURES)
    [log] = Path("out").glob("json_validator_log_*.json")
    assert json.loads(log.read_text())["nonexistent_images"] == ["ds/cct/elk/gone.jpg"]
    Path("images/ds/cct/elk").mkdir(parents=True)
    Path("images/ds/cct/elk/gone.jpg").touch()
    assert validate(world, "-c", "images") == 0
    assert "ds/cct/elk/gone.jpg" in queried()
    importing.run(Path("labels.db"), Place("ds"), [Picture(1, "a.jpg"), Said(1, "fox")], Path("x"))
    assert validate(world, "-c") == 2
    assert "nobody says where the pictures of ds lie" in capsys.readouterr().err


@pytest.mark.parametrize(("permission", "listed"), [("rl", 1), ("r", 0)])
def test_many_pictures_are_looked_for_by_lists_if_the_sas_permits_it(
    world, monkeypatch, permission, listed
):
    world.sas(permission)
    world.label(*PICTURES, *(f"elk/no{i}.jpg" for i in range(60)))
    asked, lists, exists, names = (
        [],
        [],
        azure_blobs.BlobContainer.exists,
        (azure_blobs.BlobContainer.list),
    )

    def counted_list(store, prefix=""):
        for name in names(store, prefix):
            lists.append(prefix)
            yield name

    monkeypatch.setattr(
        azure_blobs.BlobContainer, "exists", lambda *args: asked.append(1) or exists(*args)
    )
    monkeypatch.setattr(azure_blobs.BlobContainer, "list", counted_list)
    assert validate(world, "-c") == 0
    assert queried() == sorted(f"ds/cct/{name}" for name in PICTURES)
    assert (set(lists), len(asked)) == (({"cct/elk/"}, 0) if listed else (set(), 63))


def test_lists_end_where_asking_is_cheaper():
    class Endless:
        def list(self, prefix=""):
            i = 0
            while True:
                self.listed = i = i + 1
                yield f"z{i}"

        def exists(self, name):
            return name != "gone"

    store = Endless()
    wanted = ["gone", *(f"x{i}" for i in range(99))]
    assert presence.absent(store, wanted) == {"gone": "missing"}
    assert store.listed == 100 * 100 + 1


def run(name, words, capfd):
    """Return all that a command says, a traceback included."""
    try:
        importlib.import_module(f"database_tools.{name}").main(words)
    except (Exception, SystemExit):
        traceback.print_exc()
    return "".join(capfd.readouterr())


def test_no_command_writes_or_says_its_sas_whatever_happens(world, capfd, monkeypatch):
    monkeypatch.setattr(azure_blobs, "FIRST_WAIT", 0.0)
    Path("list.txt").write_text("ds/cct/elk/a.jpg\n")
    world.detections(PICTURES, Path())
    expired, good = (world.azurite.sas("camera", hours=hours) for hours in (-1, 1))
    base, said = "https://account.blob.core.windows.net/camera/cct", ""
    endpoints = (world.azurite.endpoint, "http://127.0.0.1:9/{account}")
    for sas, endpoint in ((expired, endpoints[0]), (good, endpoints[1]), (good, endpoints[0])):
        world.setenv("DS_SAS", sas)
        world.setenv("AZURE_BLOB_ENDPOINT", endpoint)
        url, crop = f"{base}?{sas}", ["ds.json", "crops", "--workers", "1"]
        said += run("crop_detections", [*crop, "-v", "4.1", "--container-url", url], capfd)
        said += run("crop_detections", [*crop, f"--contaner-url={url}"], capfd)
        said += run("download_images", ["txt", "list.txt", "got"], capfd)
        container = ["-a", "account", "-c", "camera", "-s", sas]
        said += run("analyze_failed_images", ["list.txt", *container], capfd)
        said += run("analyze_failed_images", [url], capfd)
    assert [said.count(words) for words in ("its SAS ended at", "no answer: ")] == [4, 4]
    assert "camera/cct: missing" in said
    assert sorted(world.files("crops")) == CROPS
    written = b"".join(path.read_bytes() for path in Path().rglob("*") if path.is_file())
    for sas in (expired, good):
        signature = unquote(sas.rpartition("sig=")[2])
        for form in (signature, quote(signature), quote(signature, safe="")):
            assert form not in said
            assert form.encode() not in written
