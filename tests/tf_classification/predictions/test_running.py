"""The command: from crops, and from pictures with detections, to a CSV of probabilities."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.core.errors import UserError
from database_tools.core.ledger import Ledger
from database_tools.formats import classifier_csv, crops_info, ledger_json
from tf_classification import predictor, run_classifier
from tf_classification.predictions import running
from tf_classification.predictor import units

LABELS = ("fox", "deer", "hare")


def picture(seed=0, side=48):
    rough = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    rough[..., seed % 3] //= 4
    content = io.BytesIO()
    Image.fromarray(rough).resize((side, side)).save(content, "JPEG")
    return content.getvalue()


def crops(folder, names):
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(i))
    return folder


def rows(path):
    with classifier_csv.reading(path) as table:
        assert table.label_names == LABELS
        parts = list(table)
    paths = [path for part in parts for path in part.paths]
    return paths, np.concatenate([part.probabilities for part in parts])


def run(*words):
    return run_classifier.main([str(word) for word in words])


@pytest.mark.parametrize("kind", ["bundle_dir", "tflite"])
def test_every_crop_of_a_folder_has_the_row_that_the_model_gives(kind, tmp_path, request):
    model = request.getfixturevalue(kind)
    names = ["b/2.jpg", "a/10.png", "a.jpg", "a/9.JPG"]
    folder = crops(tmp_path / "crops", names)
    (folder / "b" / "notes.txt").write_text("no picture")
    (folder / ".build").mkdir()
    (folder / ".build" / "c.jpg").write_bytes(picture())
    out = tmp_path / "new" / "out.csv.gz"
    assert run(model, folder, out, "--image-size", 32, "--batch-size", 3) == 0
    paths, found = rows(out)
    # by name in each folder: "a" before "a.jpg" before "b"
    assert paths == ["a/10.png", "a/9.JPG", "a.jpg", "b/2.jpg"]
    asked = predictor.open(model).of_encoded([(folder / path).read_bytes() for path in paths])
    np.testing.assert_allclose(found, asked, rtol=0, atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.05, "the crops must not all look the same"
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "out.csv.gz",
        "run_classifier_ledger.json",
    ]


def test_a_broken_crop_is_an_entry_of_the_ledger_with_its_reason(tflite, tmp_path, capsys):
    folder = crops(tmp_path / "crops", ["a.jpg", "d.jpg"])
    (folder / "b.jpg").write_bytes(picture()[:400])
    (folder / "c.jpg").touch()
    (folder / "e.jpg").write_bytes(b"no picture")
    assert run(tflite, folder, tmp_path / "out.csv") == 0
    assert rows(tmp_path / "out.csv")[0] == ["a.jpg", "d.jpg"]
    ledger = ledger_json.read(tmp_path / "run_classifier_ledger.json")
    assert (ledger.total, ledger.kept) == (5, 2)
    expected = {"empty": ["c.jpg"], "not an image": ["e.jpg"], "truncated": ["b.jpg"]}
    assert ledger.dropped == expected
    assert "3 of 5 were left out" in capsys.readouterr().err


def test_a_run_without_one_good_crop_is_an_error_and_no_file(tflite, tmp_path, capsys):
    (tmp_path / "crops").mkdir()
    out = tmp_path / "out.csv.gz"
    assert run(tflite, tmp_path / "crops", out) == 2
    assert "no crop in it" in capsys.readouterr().err
    (tmp_path / "crops" / "a.jpg").write_bytes(b"no picture")
    assert run(tflite, tmp_path / "crops", out) == 2
    assert "none of 1 crops can be classified" in capsys.readouterr().err
    assert not out.exists()


def test_with_detections_the_crops_of_their_boxes_come_in_the_files_order(tflite, shots, capsys):
    names = [
        "a/1.jpg___crop01_mdv4.1.jpg",
        "a/1.jpg___crop02_mdv4.1.jpg",  # of a box that the file has not
        "b/2.jpg___crop00_md_v5a.0.0.pt.jpg",  # as others name them since 2022
        "b/2.jpg___crop01.jpg",  # drawn by hand
        "c/9.jpg___crop00_mdv4.1.jpg",  # of a picture that the file has not
    ]
    folder, out = crops(shots / "crops", names), shots / "out.csv"
    asked = (tflite, folder, out, "--detections-json", shots / "detections.json")
    assert run(*asked) == 0
    assert rows(out)[0] == [names[2], names[3], names[0]]
    (folder / "a/1.jpg___crop01_mdv3.jpg").write_bytes(picture())
    assert run(*asked) == 2
    assert "are crops of one box; keep one" in capsys.readouterr().err


def test_pictures_are_cut_by_the_models_recipe_and_answered_as_their_crops(tflite, shots):
    asked = ("--images-dir", shots / "pictures", "--detections-json", shots / "detections.json")
    assert run(tflite, shots / "direct.csv", *asked) == 0
    paths, found = rows(shots / "direct.csv")
    assert paths == ["b/2.jpg___crop00_mdv4.1.0.jpg", "a/1.jpg___crop01_mdv4.1.0.jpg"]
    # By hand: 160 x 120 pixels.  (16, 12) 80 x 48 becomes 80 x 80 at (16, 0), moved down to
    # the edge; (48, 24) 46 x 84 becomes 84 x 84 at (29, 24).
    windows = {"b/2.jpg": (16, 0, 96, 80), "a/1.jpg": (29, 24, 113, 108)}
    contents = []
    for name, window in windows.items():
        content = io.BytesIO()
        Image.open(shots / "pictures" / name).crop(window).save(content, "JPEG", quality=75)
        contents.append(content.getvalue())
    np.testing.assert_allclose(found, predictor.open(tflite).of_encoded(contents), atol=1e-6)
    ledger = ledger_json.read(shots / "run_classifier_ledger.json")
    assert ledger.total == ledger.kept == 2
    assert ledger.beside == {"failure in the detection file": ["a/4.jpg"]}


@pytest.mark.parametrize("kind", ["bundle_dir", "tflite"])
def test_a_cluster_gives_the_same_bytes(kind, shots, elsewhere, monkeypatch, request):
    model = request.getfixturevalue(kind)
    monkeypatch.chdir(shots)
    monkeypatch.setattr(units, "SIZE", 1)
    asked = ("--images-dir", "pictures", "--detections-json", "detections.json")
    assert run(model, "here.csv", *asked) == 0
    assert run(model, "far.csv", *asked, "--dask_scheduler", "tcp://far:8786") == 0
    assert (shots / "far.csv").read_bytes() == (shots / "here.csv").read_bytes()
    assert [len(job.unit.crops) for job in elsewhere] == [1, 1]
    assert all(job.reading.root == shots / "pictures" for job in elsewhere)
    another = running.Opening(elsewhere[0].opening.path, ("another",), unknown=False)
    with pytest.raises(UserError, match="a worker of the cluster has another model there"):
        another.open()


def test_flags_replace_the_models_recipe_and_a_model_without_one_needs_them(tflite, shots, capsys):
    where = ("--images-dir", shots / "pictures", "--detections-json", shots / "detections.json")
    assert run(tflite, shots / "own.csv", *where) == 0
    assert run(tflite, shots / "wide.csv", *where, "--padding", 1.5, "--threshold", 0.05) == 0
    assert "cut otherwise than" in capsys.readouterr().err
    assert rows(shots / "wide.csv")[0][1:] == [
        "a/1.jpg___crop00_mdv4.1.0.jpg",
        "a/1.jpg___crop01_mdv4.1.0.jpg",
    ]
    assert not np.allclose(rows(shots / "wide.csv")[1][0], rows(shots / "own.csv")[1][0])
    silent = shots / "silent" / tflite.name
    silent.parent.mkdir()
    silent.write_bytes(tflite.read_bytes())
    facts = json.loads(tflite.with_name("model.json").read_text()) | {"crop_recipe": None}
    silent.with_name("model.json").write_text(json.dumps(facts))
    assert run(silent, shots / "silent.csv", *where) == 2
    assert "say --square-crops or --padding" in capsys.readouterr().err
    assert run(silent, shots / "silent.csv", *where, "--square-crops") == 0
    assert (shots / "silent.csv").read_bytes() == (shots / "own.csv").read_bytes()


def test_a_folder_of_crops_that_were_cut_otherwise_is_said(tflite, tmp_path, capsys):
    folder = crops(tmp_path / "crops", ["a.jpg"])
    crops_info.write(folder, crops_info.CropsInfo(CropRecipe(Geometry.BOX)))
    assert run(tflite, folder, tmp_path / "out.csv") == 0
    assert "geometry box, not square" in capsys.readouterr().err


def test_crops_that_are_not_those_of_the_croppers_ledger_are_said(tflite, tmp_path, capsys):
    folder = crops(tmp_path / "crops", ["a.jpg", "b.jpg"])
    ledger_json.write(folder, Ledger("crop_detections", 1, 1, made=2))
    assert run(tflite, folder, tmp_path / "out.csv") == 0
    assert "counts" not in capsys.readouterr().err
    ledger_json.write(folder, Ledger("crop_detections", 1, 1, made=3))
    assert run(tflite, folder, tmp_path / "out.csv") == 0
    said = "crop_detections_ledger.json counts 3, but there are 2 crops"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["CROPS", "OUT", "--image-size", "300"], "takes 32 pixels"),
        (["CROPS", "OUT", "-c", "INDEX"], "label 0 is 'deer' but"),
        (["CROPS", "OUT", "--batch-size", "0"], "--batch-size must be at least 1, got 0"),
        (["CROPS", "OUT", "--padding", "2"], "are for --images-dir"),
        (["OUT", "--images-dir", "CROPS"], "needs --detections-json"),
        (["CROPS", "OUT", "--images-dir", "CROPS"], "give either"),
        (["OUT"], "give either"),
        (["NONE", "OUT"], "no such folder"),
        (["CROPS", "OUT", "-d", "NONE"], "no such detection file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words, said, tflite, tmp_path, capsys):
    crops(tmp_path / "CROPS", ["a.jpg"])
    (tmp_path / "INDEX").write_text('{"0": "deer", "1": "fox", "2": "hare"}')
    named = [str(tmp_path / word) if word.isupper() else word for word in words]
    assert run(tflite, *named) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "OUT").exists()


def command(model, folder, out, *words):
    return [sys.executable, "-m", "tf_classification.run_classifier", model, folder, out, *words]


def killed_once(words, answers, at_least=2):
    """Run a command, kill it when it has kept some answers, and return how many it had."""
    process = subprocess.Popen(words)
    while sum(path.suffix == units.ENDING for path in _files(answers)) < at_least:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return sum(path.suffix == units.ENDING for path in _files(answers))


def _files(folder):
    return list(folder.iterdir()) if folder.is_dir() else []


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tflite, tmp_path, capsys):
    folder = tmp_path / "crops"
    names = [f"{i:04d}.jpg" for i in range(1500)]
    crops(folder, names[:50])
    for i, name in enumerate(names[50:]):
        os.link(folder / names[i % 50], folder / name)
    (folder / names[700]).unlink()
    (folder / names[700]).write_bytes(b"no picture")
    words = command(tflite, folder, tmp_path / "out.csv.gz", "--num-workers", "1")
    killed_once(words, tmp_path / "out.csv.gz.units")
    assert run(tflite, folder, tmp_path / "out.csv.gz", "--num-workers", 2) == 0
    assert "of 1,500 crops have their answer" in capsys.readouterr().err
    assert run(tflite, folder, tmp_path / "once.csv.gz") == 0
    killed, once = ((tmp_path / f"{name}.csv.gz").read_bytes() for name in ("out", "once"))
    assert killed == once
    assert len(rows(tmp_path / "once.csv.gz")[0]) == 1499
    assert gzip.decompress(once).startswith(b"path,fox,deer,hare\n0000.jpg,")
    assert not (tmp_path / "out.csv.gz.units").exists()


def test_a_full_disk_below_the_output_is_said_of_the_output(tflite, tmp_path, monkeypatch, capsys):
    folder = crops(tmp_path / "crops", ["a.jpg"])
    full = lambda **_: open("/dev/full", "w+b", buffering=0)  # noqa: E731, PTH123, SIM115
    monkeypatch.setattr(units.tempfile, "TemporaryFile", full)
    assert run(tflite, folder, tmp_path / "out.csv") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"cannot write {tmp_path / 'out.csv.units'}: No space left" in line


def test_an_answer_is_taken_again_only_for_the_same_crops_and_model(tflite, tmp_path):
    folder, out = crops(tmp_path / "crops", ["a.jpg"]), tmp_path / "out.csv"
    words = (tflite, folder, out)
    kept = _answers_of(words, tmp_path)
    assert _answers_of(words, tmp_path) == kept
    (folder / "a.jpg").write_bytes(picture(5))
    other = _answers_of(words, tmp_path)
    assert other != kept
    facts = tflite.with_name("model.json").read_text()
    model = tmp_path / "model.tflite"
    model.write_bytes(tflite.read_bytes())
    model.with_name("model.json").write_text(
        facts.replace('"temperature": 1.5', '"temperature": 2')
    )
    assert _answers_of((model, folder, out), tmp_path) not in (kept, other)


def _answers_of(words, folder):
    """Run with a ledger that cannot be written, so that the answers stay; return their names."""
    ledger = folder / "run_classifier_ledger.json"
    ledger.unlink(missing_ok=True)
    ledger.mkdir()
    try:
        assert run(*words) == 2
    finally:
        ledger.rmdir()
    return sorted(path.name for path in _files(folder / "out.csv.units") if path.suffix == ".npz")


@pytest.mark.slow
def test_a_bundle_gives_the_same_bytes_for_one_worker_and_for_three(bundle_dir, tmp_path):
    folder = crops(tmp_path / "crops", [f"{i:03d}.jpg" for i in range(600)])
    for number in ("1", "3"):
        out = tmp_path / f"{number}.csv.gz"
        assert run(bundle_dir, folder, out, "--num-workers", number) == 0
    assert (tmp_path / "1.csv.gz").read_bytes() == (tmp_path / "3.csv.gz").read_bytes()
