"""The Batch Detection API from queried pictures to the cache, against a stand-in of it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from database_tools import (
    cache_batchapi_outputs,
    detect_and_crop,
    import_labels,
    manage_api_submission,
)
from database_tools.detections import batch_tasks
from database_tools.formats import ledger_json

NAMES = ["2020/a.jpg", "2020/b #1?%.JPG", "2020/ü.png", "2020/d.jpg"]
VARIABLES = {
    "CLASSIFICATION_BLOB_STORAGE_ACCOUNT": "account",
    "CLASSIFICATION_BLOB_CONTAINER": "classifier-training",
    "DETECTION_API_CALLER": "me",
}


@pytest.fixture(scope="module")
def blobs(azurite):
    """Azurite, with pictures of two datasets."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(picture, "JPEG")
    azurite.fill("idfg", dict.fromkeys([*NAMES, "2020/film.avi"], picture.getvalue()))
    azurite.fill("caltech", {"c.jpg": picture.getvalue()})
    azurite.fill("classifier-training")
    return azurite


@pytest.fixture
def api(blobs, batch_api, tmp_path, monkeypatch):
    """A service, and a folder whose queried pictures lie in Azurite's containers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(batch_tasks, "_sleep", batch_api.sleep)
    monkeypatch.setattr(batch_tasks, "_now", lambda: batch_api.now)
    for name, value in {
        **VARIABLES,
        "BATCH_DETECTION_API_URL": batch_api.url,
        "CLASSIFICATION_BLOB_CONTAINER_WRITE_SAS": f"?{blobs.sas(TRAINING, 'rcw')}",
        "AZURE_BLOB_ENDPOINT": blobs.endpoint,
        "IDFG_SAS": blobs.sas("idfg"),
        "CALTECH_SAS": blobs.sas("caltech"),
        "TF_CLASSIFICATION_DB": "labels.db",
    }.items():
        monkeypatch.setenv(name, value)
    for dataset, prefix, files in (("idfg", "2020", NAMES), ("caltech", "", ["c.jpg"])):
        rows = "".join(f'"{Path(file).name}",elk\n' for file in files)
        Path("labels.csv").write_text(f"file,label\n{rows}", encoding="utf-8")
        place = f"https://account.blob.core.windows.net/{dataset}"
        words = ["labels.db", "labels.csv", "--dataset", dataset, "--container-url", place]
        words += ["--path-prefix", prefix, "--sas-env", f"{dataset.upper()}_SAS"]
        assert import_labels.main(words) == 0
    query(*(f"idfg/{name}" for name in NAMES), "caltech/c.jpg")
    return batch_api


TRAINING = VARIABLES["CLASSIFICATION_BLOB_CONTAINER"]


def query(*names, drawn=()):
    entries = {
        name: {"dataset": name.partition("/")[0], "class": "elk", "label": ["elk"]}
        | ({"bbox": []} if name in drawn else {})
        for name in names
    }
    Path("queried_images.json").write_text(json.dumps(entries), encoding="utf-8")


def run(*flags, status=0):
    words = ["queried_images.json", ".", "-c", "mdcache", "-v", "4.1", "--run-detector"]
    assert detect_and_crop.main([*words, "--resume-file", "resume.json", *flags]) == status


def resume():
    return json.loads(Path("resume.json").read_text("utf-8"))


def cached(dataset):
    path = Path("mdcache/v4.1") / f"{dataset}.json"
    return [x["file"] for x in json.loads(path.read_text("utf-8"))["images"]]


def dropped():
    return ledger_json.read(Path("run_detector_ledger.json")).dropped


def secrets_in(folder, *texts):
    """Return where a signature is seen, of what a run said and wrote."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    seen = {str(p): p.read_bytes().decode("utf-8", "replace") for p in files}
    seen["said"] = "".join(texts)
    return [place for place, text in seen.items() if re.search("sig=(?![.]{3})", text)]


def test_one_call_detects_what_the_cache_lacks_and_says_no_sas(api, capfd):
    query(*(f"idfg/{name}" for name in NAMES), "caltech/c.jpg", "idfg/z.jpg", drawn=["idfg/z.jpg"])
    run()
    assert cached("idfg") == sorted(NAMES)
    assert cached("caltech") == ["c.jpg"]
    first, second = resume()
    assert set(first) == {
        *("dataset", "task_name", "task_id", "local_images_list_path", "request_status")
    }
    assert (first["dataset"], first["request_status"]) == ("caltech", "completed")
    assert json.loads(Path(second["local_images_list_path"]).read_text("utf-8")) == NAMES
    assert api.waits == [1, 2, 4, 8, 16, 32]  # 63 s: a task takes 60
    assert secrets_in(Path(), *capfd.readouterr()) == []
    run()  # all is there
    assert len(api.bodies) == 2


def test_pictures_are_cut_in_the_same_call(api):
    for name in NAMES[:1]:
        path = Path("images/idfg") / name
        path.parent.mkdir(parents=True)
        Image.new("RGB", (64, 48), "green").save(path)
    query(f"idfg/{NAMES[0]}")
    run("-p", "crops", "--images-dir", "images", "--square-crops", "--workers", "1")
    assert [p.name for p in Path("crops").rglob("*.jpg")] == ["a.jpg___crop00_mdv4.1.jpg"]


def test_a_run_that_ends_between_two_tasks_goes_on_there(api, monkeypatch, capfd):
    sas = api.azurite.sas("idfg")
    monkeypatch.delenv("IDFG_SAS")
    run(status=2)
    assert "IDFG_SAS" in capfd.readouterr().err
    caltech, idfg = resume()
    assert caltech["task_id"]
    assert idfg["task_id"] is None
    monkeypatch.setenv("IDFG_SAS", sas)
    run()
    assert [task["task_id"] for task in resume()] == list(api.tasks)
    assert len(api.bodies) == 2
    assert cached("idfg") == sorted(NAMES)


@pytest.mark.parametrize("end", ["failed", "problem", "canceled"])
def test_a_task_that_ends_badly_is_counted_and_submitted_again(api, capfd, end):
    query("caltech/c.jpg", "idfg/2020/a.jpg")
    api.ends = Ending(caltech=end)
    run(status=2)
    assert dropped() == {"detection task that failed": ["caltech/c.jpg"]}
    assert f": {end} it is {end}" in capfd.readouterr().err
    assert cached("idfg") == ["2020/a.jpg"]
    api.ends = {}
    run()
    assert [body["request_name"].split("_")[3] for body in api.bodies] == [
        *("caltech", "idfg", "caltech")
    ]
    assert cached("caltech") == ["c.jpg"]


class Ending(dict):
    """How the tasks of a dataset end, whose names have times in them."""

    def get(self, name, default=None):
        return next((end for word, end in self.items() if f"_{word}_" in name), default)


@pytest.mark.parametrize("status", ["running", "paused for the night"])
def test_a_state_without_end_is_left_to_the_next_run(api, capfd, status):
    query("caltech/c.jpg")
    api.ends, api.status = Ending(caltech="stuck"), status
    run("--wait-hours", "1", status=2)
    said = capfd.readouterr().err
    assert status in said
    assert "tasks that have not ended: the same command goes on there" in said
    assert sum(api.waits) == 3600
    assert max(api.waits) == 120
    assert dropped() == {"detection task that has not ended": ["caltech/c.jpg"]}
    api.ends = {}
    run()
    assert len(api.bodies) == 1


def test_lost_shards_and_failures_are_counted(api):
    api.lost, api.failing = set(NAMES[:2]), {NAMES[3]}
    run()
    assert dropped() == {
        "Failure image access": [f"idfg/{NAMES[3]}"],
        "not in the detection file": [f"idfg/{name}" for name in NAMES[:2]],
    }
    api.lost = set()
    run()
    assert cached("idfg") == sorted(NAMES)


def test_a_completed_task_without_pictures_says_so_in_words(api):
    query("caltech/c.jpg")
    api._pictures = lambda _: []
    run()
    assert dropped() == {"not in the detection file": ["caltech/c.jpg"]}


def test_what_the_service_does_not_take_is_not_submitted(api, capfd):
    query("idfg/2020/film.gif")
    run()
    assert "1 pictures are none of .jpg, .jpeg, .png" in capfd.readouterr().err
    assert not api.tasks


def test_a_full_queue_and_broken_answers_are_asked_again(api):
    query("caltech/c.jpg")
    api.busy, api.broken = 3, 2
    run()
    assert api.waits[:3] == [1, 4, 16]
    assert cached("caltech") == ["c.jpg"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"tasks": {}}, "refuses (404): Task not found"),
        ({"told": {"TaskId": "0" * 32}}, "the answer is about the task '000"),
        ({"hours": -1.0}, "refuses (403)"),
    ],
)
def test_what_a_service_gets_wrong_is_told(api, capfd, change, rule):
    query("caltech/c.jpg")
    real = api.submit

    def submit(body):
        answer = real(body)
        vars(api).update(change)
        return answer

    api.submit = submit
    run("--wait-hours", "1", status=2)
    said = capfd.readouterr().err
    assert rule in said
    assert secrets_in(Path(), said) == []
    assert not Path("mdcache").exists()


def test_detections_of_another_task_are_not_taken(api, capfd):
    query("caltech/c.jpg")
    real = api._output
    api._output = lambda number, names: real(number, ["other.jpg"])
    run(status=2)
    assert "1 pictures are not of this task, as 'other.jpg'" in capfd.readouterr().err
    assert not Path("mdcache").exists()


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("BATCH_DETECTION_API_URL", None, "BATCH_DETECTION_API_URL is not set"),
        ("BATCH_DETECTION_API_URL", "file:///etc", "must be an address as https://HOST"),
        ("BATCH_DETECTION_API_URL", "http://127.0.0.1:9/x", "gives no answer after 6 tries"),
        ("DETECTION_API_CALLER", None, "DETECTION_API_CALLER is not set"),
        ("DETECTION_API_CALLER", "thief", "refuses (401): who are you?"),
        ("CLASSIFICATION_BLOB_CONTAINER", None, "CLASSIFICATION_BLOB_CONTAINER is not set"),
        ("CLASSIFICATION_BLOB_CONTAINER_WRITE_SAS", "w", "it permits 'w', but has to permit"),
        ("CALTECH_SAS", "r", "input_container_sas must permit to read and list"),
        ("TF_CLASSIFICATION_DB", None, "no labels to ask: give --db FILE"),
    ],
)
def test_what_is_not_or_wrongly_set_is_one_line(api, monkeypatch, capfd, variable, value, rule):
    query("caltech/c.jpg")
    if value is None:
        monkeypatch.delenv(variable)
    else:
        of = {"CALTECH_SAS": "caltech"}.get(variable, TRAINING)
        value = api.azurite.sas(of, value) if "SAS" in variable else value
        monkeypatch.setenv(variable, value)
    capfd.readouterr()
    run(status=2)
    said = capfd.readouterr().err
    assert rule in said
    assert secrets_in(Path(), said) == []
    assert not api.tasks


def test_a_response_that_was_saved_by_hand_is_cached(api, capfd):
    body = {"caller": "me", "input_container_sas": api.azurite.url("idfg")}
    account = api.azurite.endpoint.format(account="account")
    body["input_container_sas"] = f"{account}/idfg?{api.azurite.sas('idfg')}"
    task = api.submit(body)["request_id"]
    words = ["dataset.json", "-d", "idfg", "-c", "mdcache", "-v", "4.1", "-f", "response"]
    Path("dataset.json").write_text(json.dumps(api.task(task)))
    assert cache_batchapi_outputs.main(words) == 2
    assert "a task that is created has no detections" in capfd.readouterr().err
    api.now = 60
    Path("dataset.json").write_text(json.dumps(api.task(task)))
    assert cache_batchapi_outputs.main(words) == 0
    assert cached("idfg") == sorted(NAMES)


def test_a_container_is_detected_by_its_address(api, capfd):
    words = [api.azurite.url("idfg"), "--request-name", "survey", "--prefix", "2020/"]
    api.lost = {NAMES[0]}
    assert manage_api_submission.main([*words, "--caller", "me"]) == 0
    found = json.loads(Path("detections.json").read_text("utf-8"))
    assert [image["file"] for image in found["images"]] == sorted(NAMES[1:])
    assert dropped() == {"not in the detection file": [NAMES[0]]}
    assert secrets_in(Path(), *capfd.readouterr()) == []
    assert api.bodies[0]["image_path_prefix"] == "2020/"


def test_a_task_can_be_canceled_and_waited_for(api, capfd):
    words = [api.azurite.url("idfg"), "--request-name", "survey", "--wait-hours", "0.01"]
    assert manage_api_submission.main(words) == 2
    (task,) = api.tasks
    assert f"wait for it with --task {task}" in capfd.readouterr().err
    assert manage_api_submission.main(["--task", task, "--cancel"]) == 0
    assert manage_api_submission.main([*words, "--task", task]) == 2
    assert "a task that is canceled has no detections" in capfd.readouterr().err
    assert manage_api_submission.main(["--task", task, "--cancel"]) == 2
    assert "refuses (400): it does not run" in capfd.readouterr().err
