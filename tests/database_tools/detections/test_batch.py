import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from database_tools import detectors, run_tf_detector_batch
from database_tools.core.detections import Detections
from database_tools.detections import elsewhere as elsewhere_module
from database_tools.formats import ledger_json
from database_tools.remote import access


class Brightness:
    """A detector whose one score is the brightness over 250; a second box is of class 7."""

    categories, fingerprint = None, "b1"

    def __init__(self, path, batch_size):
        self.name, self.batch_size, self.batches = path.name, batch_size, []

    @property
    def seen(self):
        return [level for batch in self.batches for level in batch]

    def check(self):
        pass

    def detect(self, images):
        self.batches.append([int(image[0, 0, 0]) for image in images])
        return [
            Detections.of_corners(
                [[0.1, 0.2, 0.55, 0.777777], [0, 0, 1, 1]],
                [np.float32(image.max() / 250), 0.05],
                ["1", "7"],
            )
            for image in images
        ]


@pytest.fixture
def opened(monkeypatch):
    """The detectors that were opened; the flag's path may be any."""
    opened = []

    def open_one(path, batch_size):
        opened.append(Brightness(path, batch_size))
        return opened[-1]

    monkeypatch.setattr(detectors, "open", open_one)
    return opened


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with nine pictures of brightness 0, 25, ... 200; one more is missing."""
    for i in range(9):
        path = tmp_path / "images" / f"cam{i % 2}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (25 * i,) * 3).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


README = ["md_v4.1.0.pb", "images", "detections.json", "--recursive", "--output_relative_filenames"]


def run(*words):
    return run_tf_detector_batch.main([str(word) for word in words])


def read(path="detections.json"):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_the_readmes_line_writes_what_other_commands_read(here, opened):
    assert run(*README) == 0
    table = read()
    assert table["info"] == {"detector": "md_v4.1.0.pb", "format_version": "1.6"}
    assert [image["file"] for image in table["images"]][:2] == ["cam0/0.png", "cam0/2.png"]
    boxes = {image["file"]: image["detections"] for image in table["images"]}
    assert boxes["cam0/0.png"] == []
    # 25 / 250 as float32 is a little above the threshold of 0.1
    assert boxes["cam1/1.png"][0]["conf"] == float(np.float32(0.1)) > 0.1
    assert boxes["cam0/8.png"][0]["conf"] == float(np.float32(0.8))
    assert table["detection_categories"] == {"1": "animal", "2": "person", "3": "vehicle"}
    ledger = ledger_json.read(here / "run_tf_detector_batch_ledger.json")
    assert (ledger.total, ledger.kept) == (9, 9)


def test_pictures_in_a_store_are_fetched_once_and_give_the_same_file(
    here, opened, object_store, monkeypatch
):
    (here / "images" / "cam0" / ".hidden.png").write_bytes(b"")
    address = object_store("s3").fresh(monkeypatch, "batch")
    object_store.fill(f"{address}/images", here / "images")
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "home"))
    fs, fetched = access.filesystem("s3"), []
    whole = fs.cat_file
    monkeypatch.setattr(fs, "cat_file", lambda *a, **k: (fetched.append(a), whole(*a, **k))[1])
    monkeypatch.setattr(access, "forget", lambda: None)
    assert run(README[0], f"{address}/images", f"{address}/out/found.json", *README[3:]) == 0
    assert len(fetched) == 9
    assert run(*README) == 0
    monkeypatch.undo()
    object_store("s3").lead(monkeypatch)
    there = object_store.contents(f"{address}/out")
    assert sorted(there) == ["found.json", "run_tf_detector_batch_ledger.json"]
    assert there["found.json"] == (here / "detections.json").read_bytes()


def test_a_cluster_finds_the_same_and_opens_the_detector_once(here, opened, elsewhere):
    Path("md_v4.1.0.pb").touch()
    flags = ("--batch_size", 2)
    assert run(*README, *flags) == 0
    whole = read()
    assert len(opened[0].batches) == 5
    shutil.rmtree(".detections.json.store")
    assert run(*README, *flags, "--dask_scheduler", "tcp://far:8786") == 0
    assert read() == whole
    one, worker = opened[1:]
    assert one.batches == []
    assert worker.batches == opened[0].batches
    assert [len(job.groups) for job in elsewhere] == [5]
    assert run(*README, *flags, "--dask_scheduler", "tcp://far:8786") == 0
    assert len(elsewhere) == 1  # nothing was left to do


def test_the_jobs_of_a_cluster_have_64_pictures_and_whole_groups():
    groups = [["a"] * 24] * 7
    assert [len(some) for some in elsewhere_module._together(groups)] == [3, 3, 1]


def test_another_detector_on_a_worker_is_one_line(here, opened, elsewhere, monkeypatch, capsys):
    Path("md_v4.1.0.pb").touch()
    open_one = detectors.open

    def open_another(path, batch_size):
        detector = open_one(path, batch_size)
        detector.fingerprint = f"b{len(opened)}"
        return detector

    monkeypatch.setattr(detectors, "open", open_another)
    assert run(*README, "--dask_scheduler", "tcp://far:8786") == 2
    assert "md_v4.1.0.pb: a worker of the cluster has another file there" in capsys.readouterr().err
    assert run(*README, "--dask_scheduler", "tcp://far:8786", "--ncores", 1) == 2
    assert "--ncores is for this machine" in capsys.readouterr().err


def test_megadetectors_own_validator_accepts_it(here, opened):
    validator = pytest.importorskip("megadetector.postprocessing.validate_batch_results")
    (here / "images" / "cam0" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert run(*README, "--threshold", 0.01) == 0
    options = validator.ValidateBatchResultsOptions()
    results = validator.validate_batch_results("detections.json", options)["validation_results"]
    assert results["errors"] == results["warnings"] == []
    assert read()["detection_categories"]["7"] == "class 7"


def test_without_relative_names_they_are_as_the_user_writes_them(here, opened):
    assert run("d.pb", "images", "out.json", "--recursive") == 0
    assert read("out.json")["images"][0]["file"] == "images/cam0/0.png"
    assert run("d.pb", here / "images", "out.json", "--recursive") == 0
    assert read("out.json")["images"][0]["file"] == f"{here.as_posix()}/images/cam0/0.png"
    assert run("d.pb", "images/cam0/8.png", "out.json") == 0
    assert [image["file"] for image in read("out.json")["images"]] == ["images/cam0/8.png"]


def test_version_1_0_has_the_originals_keys_digits_and_words(here, opened):
    (here / "images" / "cam1" / "9.png").write_text("no picture")
    assert run(*README, "--format_version", "1.0") == 0
    table = read()
    assert list(table) == ["images", "detection_categories", "info"]
    assert list(table["info"]) == ["detection_completion_time", "format_version"]
    entries = {image["file"]: image for image in table["images"]}
    assert entries["cam0/8.png"] == {
        "file": "cam0/8.png",
        "max_detection_conf": 0.8,
        "detections": [{"category": "1", "conf": 0.8, "bbox": [0.2, 0.1, 0.5777, 0.45]}],
    }
    assert entries["cam0/0.png"] == {
        "file": "cam0/0.png",
        "max_detection_conf": 0,
        "detections": [],
    }
    assert entries["cam1/9.png"] == {"file": "cam1/9.png", "failure": "Failure image access"}
    ledger = ledger_json.read(here / "run_tf_detector_batch_ledger.json")
    assert list(ledger.dropped) == ["not an image"]


def test_version_1_0_floors_what_a_tensorflow_detector_gives(here, opened, monkeypatch):
    # measured with the original: zero is a whole number, 0.1 as float32 is above 0.1
    corners = [[0.1, 0.2, 0.55, 0.777777], [0, 0, 1, 0.5]]
    found = Detections.of_corners(corners, [0.98765, 0.1], ["1", "2"])
    monkeypatch.setattr(Brightness, "detect", lambda self, images: [found] * len(images))
    assert run("d.pb", "images/cam0/0.png", "out.json", "--format_version", "1.0") == 0
    text = Path("out.json").read_text()
    [image] = json.loads(text)["images"]
    assert image["max_detection_conf"] == 0.987
    assert image["detections"] == [
        {"category": "1", "conf": 0.987, "bbox": [0.2, 0.1, 0.5777, 0.45]},
        {"category": "2", "conf": 0.1, "bbox": [0, 0, 0.5, 1.0]},
    ]
    assert "[\n      0,\n      0,\n      0.5,\n      1.0\n     ]" in text


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(here, opened, monkeypatch):
    assert run(*README[:2], "whole.json", *README[3:], "--batch_size", 2) == 0

    def stop_after_three(pictures, **_):
        for i in pictures:
            if i == 4:
                raise KeyboardInterrupt
            yield i

    with monkeypatch.context() as stopping:
        stopping.setattr(run_tf_detector_batch.cli, "progress", stop_after_three)
        assert run(*README, "--batch_size", 2) == 130
    assert not Path("detections.json").exists()
    assert run(*README, "--batch_size", 2) == 0
    assert Path("detections.json").read_bytes() == Path("whole.json").read_bytes()
    seen = [detector.seen for detector in opened[1:]]
    assert len(seen[0]) == 4
    assert sorted(seen[0] + seen[1]) == sorted(opened[0].seen)  # none twice


def test_checkpoint_frequency_saves_no_later_than_asked(here, opened):
    assert run(*README, "--checkpoint_frequency", 3) == 0
    assert [len(batch) for batch in opened[0].batches] == [3, 3, 3]
    assert run(*README[:2], "b.json", *README[3:], "--checkpoint_frequency", 10000) == 0
    assert [len(batch) for batch in opened[1].batches] == [8, 1]
    assert read("b.json") == read()


def test_an_originals_checkpoint_is_gone_on_from(here, opened):
    box = {"category": "1", "conf": 0.987, "bbox": [0, 0.1, 0.5777, 0.45]}
    done = {"file": f"{here}/images/cam0/0.png", "max_detection_conf": 0.987, "detections": [box]}
    failed = {"file": f"{here}/images/cam0/2.png", "failure": "Failure TF inference"}
    (here / "checkpoint.json").write_text(json.dumps({"images": [done, failed]}))
    words = [*README, "--format_version", "1.0", "--resume_from_checkpoint", "checkpoint.json"]
    assert run(*words) == 0
    assert 0 not in opened[0].seen  # cam0/0.png, which is black
    assert 50 in opened[0].seen  # a failure is tried again
    assert read()["images"][0] == {**done, "file": "cam0/0.png"}
    assert Path("checkpoint.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "0"], "--threshold must be above 0 and at most 1, got 0.0"),
        (["--threshold", "1.1"], "--threshold must be above 0 and at most 1, got 1.1"),
        (["--checkpoint_frequency", "0"], "--checkpoint_frequency must be -1 or at least 1, got 0"),
        (["--ncores", "-1"], "--ncores must be at least 0"),
        (["--resume_from_checkpoint", "no.json"], "no.json: no such file"),
        (["--resume_from_checkpoint", "label.json"], 'label.json: top level: no list "images"'),
    ],
)
def test_wrong_flags_are_one_line(here, opened, capsys, words, said):
    (here / "label.json").write_text('{"info": {}}')
    assert run(*README, *words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error
    assert not opened


@pytest.mark.parametrize(
    ("images", "output", "words", "said"),
    [
        ("images", "out.txt", [], "must end in .json"),
        ("images", "none/out.json", [], "no such folder to write to"),
        ("list.json", "list.json", [], "is the list of pictures"),
        ("list.json", "out.json", ["--output_relative_filenames"], "list.json is no folder"),
        ("images", "out.json", [], "--recursive looks below it too"),
    ],
)
def test_impossible_requests_are_one_line(here, opened, capsys, images, output, words, said):
    (here / "list.json").write_text('["images/cam0/0.png"]')
    assert run("d.pb", images, output, *words) == 2
    assert said in capsys.readouterr().err
    assert (here / "list.json").read_text() == '["images/cam0/0.png"]'


def test_pictures_that_cannot_be_read_are_failures_and_counted(here, opened, capsys):
    listing = ["images/cam0/0.png", "gone.jpg", "images/cam0/0.png"]
    (here / "list.json").write_text(json.dumps(listing))
    assert run("d.pb", "list.json", "out.json") == 0
    failure = {"file": "gone.jpg", "failure": "image access failure: missing", "detections": None}
    assert read("out.json")["images"][1] == failure
    ledger = ledger_json.read(here / "run_tf_detector_batch_ledger.json")
    assert dict(ledger.dropped) == {
        "file name listed before": ["images/cam0/0.png"],
        "missing": ["gone.jpg"],
    }
    assert run("d.pb", "list.json", "out.json", "--strict") == 2
    assert "--strict: 1 of 3 pictures could not be read" in capsys.readouterr().err
    (here / "list.json").write_text('["gone.jpg"]')
    assert run("d.pb", "list.json", "out.json") == 2
    assert "1 of 1 pictures could not be read" in capsys.readouterr().err


def test_ncores_holds_the_detector_to_some_cores(here, opened, monkeypatch):
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system cannot")
    before, within = os.sched_getaffinity(0), []
    monkeypatch.setattr(Brightness, "check", lambda self: within.append(os.sched_getaffinity(0)))
    assert run(*README, "--ncores", 1) == 0
    assert [len(cores) for cores in within] == [1]
    assert os.sched_getaffinity(0) == before


def test_a_real_graph_finds_the_bright_rectangle(here, frozen_graph):
    picture = np.full((100, 200, 3), 20, np.uint8)
    picture[20:60, 40:160] = 255
    Image.fromarray(picture).save(here / "bright.png")
    assert run(frozen_graph, "bright.png", "out.json") == 0
    [image] = read("out.json")["images"]
    [box] = image["detections"]
    assert box["bbox"] == pytest.approx([0.2, 0.2, 0.6, 0.4], abs=1e-6)
    assert box["conf"] == 1.0


@pytest.mark.slow
def test_a_worker_of_a_cluster_finds_the_same_with_a_network(
    tmp_path, frozen_graph, scene, dask_cluster
):
    (tmp_path / "images").mkdir()
    for i in range(20):
        scene(i, (64, 48)).save(tmp_path / "images" / f"{i}.png")
    words = (frozen_graph, tmp_path / "images")
    assert run(*words, tmp_path / "here.json") == 0
    scheduler = ("--dask_scheduler", dask_cluster.scheduler_address)
    assert run(*words, tmp_path / "far.json", *scheduler) == 0
    assert (tmp_path / "far.json").read_bytes() == (tmp_path / "here.json").read_bytes()
