"""The shell scripts: what they would run, with a ``python`` in front that writes its words down."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SLIM = Path(__file__).parents[2] / "slim_legacy"

# legacy.md 5: script, dataset, steps of both phases, rate, epochs per decay, log interval.
TABLE = [
    ("well", "wellington", 10000, 300000, 0.0045, 2, 100),
    ("cct", "cct", 50000, 770000, 0.0045, 4, 10),
    ("idfg", "idfg", 10000, 600000, 0.0045, 2, 100),
    ("nacti", "nacti", 50000, 500000, 0.0045, 4, 10),
    ("rspb", "rspb", 50000, 300000, 0.0045, 4, 10),
    ("serengeti", "serengeti", 50000, 2000000, 0.0045, 1, 10),
    ("wiitigers", "wiitigers", 10000, 300000, 0.0045, 2, 100),
    ("obscured", "obscured", 1000, 1600, 0.00045, 1000, 10),
]
HEADS = "InceptionV4/AuxLogits,InceptionV4/Logits"


@pytest.fixture
def run(tmp_path):
    """Run a script; give its result and the (command, flags) of each Python call."""
    written = tmp_path / "words"
    fake = tmp_path / "bin" / "python"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@" >> {written}\n[ "$FAIL" != "$(basename $1)" ]\n')
    fake.chmod(0o755)
    (tmp_path / "records").mkdir()

    def call(script: str, **variables: str):
        env = {
            "PATH": f"{fake.parent}:{os.environ['PATH']}",
            "DATASET_DIR": str(tmp_path / "records"),
            "TRAIN_DIR": "run",
            **variables,
        }
        result = subprocess.run(
            ["bash", str(SLIM / script)],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = written.read_text().splitlines() if written.exists() else []
        calls = []
        for line in lines:
            command, *words = line.split()
            flags = dict(word[2:].split("=", 1) for word in words)
            calls.append((Path(command).stem, flags))
        return result, calls

    return call


def pick(flags, names):
    return {name: flags.get(name) for name in names.split()}


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_a_script_has_the_steps_and_rates_of_the_table(row, run):
    name, dataset, init, everything, rate, epochs, log = row
    result, calls = run(f"train_{name}_inception_v4.sh", CHECKPOINT_PATH="x/inception_v4.ckpt")
    assert result.returncode == 0, result.stderr
    assert [command for command, _ in calls] == [
        "train_image_classifier",
        "eval_image_classifier",
        "train_image_classifier",
        "eval_image_classifier",
    ]
    first, first_eval, second, second_eval = (flags for _, flags in calls)
    assert first["checkpoint_path"] == "x/inception_v4.ckpt"
    assert first["checkpoint_exclude_scopes"] == first["trainable_scopes"] == HEADS
    assert (first["max_number_of_steps"], first["learning_rate"]) == (str(init), "0.01")
    assert first["learning_rate_decay_type"] == "fixed"
    assert second["checkpoint_path"] == first["train_dir"] == "run/init"
    assert not set(second) & {"trainable_scopes", "checkpoint_exclude_scopes"}
    assert "learning_rate_decay_type" not in second  # exponential, the default
    assert second["max_number_of_steps"] == str(everything)
    assert float(second["learning_rate"]) == rate
    assert second["num_epochs_per_decay"] == str(epochs)
    assert second["log_every_n_steps"] == str(log)
    shared = {"dataset_name": dataset, "batch_size": "32", "optimizer": "rmsprop"}
    for flags in (first, second):
        assert shared.items() <= flags.items()
        assert float(flags["weight_decay"]) == 0.00004
    assert first_eval["checkpoint_path"] == first_eval["eval_dir"] == "run/init"
    assert second_eval["checkpoint_path"] == "run/all"
    assert second_eval["dataset_split_name"] == "test"


def test_variables_come_from_the_environment_too(run):
    _, calls = run(
        "train_well_inception_v4.sh",
        CHECKPOINT_PATH="x",
        DATASET_NAME="auto",
        BATCH_SIZE="4",
        INIT_STEPS="2",
        ALL_STEPS="3",
        NUM_GPUS="2",
        EVAL_BATCH_SIZE="5",
    )
    first, first_eval, second, _ = (flags for _, flags in calls)
    wanted = {"dataset_name": "auto", "batch_size": "4", "num_clones": "2"}
    assert pick(first, "dataset_name batch_size num_clones") == wanted
    assert (first["max_number_of_steps"], second["max_number_of_steps"]) == ("2", "3")
    assert first_eval["batch_size"] == "5"


def test_an_empty_checkpoint_path_trains_from_scratch_and_says_so(run):
    result, calls = run("train_well_inception_v4.sh", CHECKPOINT_PATH="")
    assert "from scratch" in result.stdout
    assert [command for command, _ in calls] == ["train_image_classifier", "eval_image_classifier"]
    assert "checkpoint_path" not in calls[0][1]


def test_a_failed_step_ends_the_script(run):
    result, calls = run(
        "train_well_inception_v4.sh", CHECKPOINT_PATH="x", FAIL="eval_image_classifier.py"
    )
    assert result.returncode == 1
    assert len(calls) == 2


def test_a_second_start_goes_on_with_the_phase_that_had_begun(run, tmp_path):
    (tmp_path / "run" / "all").mkdir(parents=True)
    (tmp_path / "run" / "all" / "checkpoint").touch()
    result, calls = run("train_well_inception_v4.sh", CHECKPOINT_PATH="x")
    assert "Phase 1 is over" in result.stdout
    assert [flags.get("train_dir") for _, flags in calls] == ["run/all", None]


def test_a_missing_dataset_is_said_before_anything_runs(run):
    result, calls = run("train_well_inception_v4.sh", DATASET_DIR="/path/to/tfrecords/output")
    assert result.returncode == 2
    assert "DATASET_DIR=/path/to/tfrecords/output is no folder" in result.stderr
    assert not calls


def test_mobilenet_has_its_own_rates_and_evaluates_moving_averages(run):
    result, calls = run("train_cct_mobilenet_v2.sh", CHECKPOINT_PATH="x")
    assert result.returncode == 0, result.stderr
    first, first_eval, second, _ = (flags for _, flags in calls)
    names = (
        "model_name batch_size label_smoothing learning_rate learning_rate_decay_factor "
        "num_epochs_per_decay moving_average_decay max_number_of_steps"
    )
    shared = {
        "model_name": "mobilenet_v2_140",
        "batch_size": "96",
        "label_smoothing": "0.1",
        "learning_rate_decay_factor": "0.9",
        "moving_average_decay": "0.9999",
    }
    phase1 = {
        "learning_rate": "0.045",
        "num_epochs_per_decay": "1",
        "max_number_of_steps": "20000",
    }
    phase2 = {"learning_rate": "0.0045", "num_epochs_per_decay": "5", "max_number_of_steps": None}
    assert pick(first, names) == shared | phase1
    assert pick(second, names) == shared | phase2
    assert first["trainable_scopes"] == "MobilenetV2/Logits"
    assert first_eval["moving_average_decay"] == "0.9999"


@pytest.mark.parametrize("script", sorted(f.name for f in SLIM.glob("eval_*.sh")))
def test_an_evaluation_takes_the_newest_run(script, run, tmp_path):
    for name in ("2026-01-31_09.00.00_a b", "2026-11-02_09.00.00_b", "2026-02-28_09.00.00_c"):
        (tmp_path / "log" / name / "all").mkdir(parents=True)
    result, calls = run(script)
    assert result.returncode == 0, result.stderr
    ((command, flags),) = calls
    assert command == "eval_image_classifier"
    assert flags["checkpoint_path"] == "log/2026-11-02_09.00.00_b/all"


def test_an_evaluation_without_a_run_says_so(run):
    result, calls = run("eval_well_inception_v4.sh")
    assert result.returncode == 2
    assert "set CHECKPOINT_PATH" in result.stderr
    assert not calls


def test_the_export_script_makes_a_graph_and_freezes_the_newest_checkpoint(run, tmp_path):
    (tmp_path / "log" / "2026-11-02_09.00.00_b" / "all").mkdir(parents=True)
    result, calls = run("export_inference_graph_serengeti.sh", OUTPUT_GRAPH="out.pb")
    assert result.returncode == 0, result.stderr
    (export, exported), (freeze, frozen) = calls
    assert (export, freeze) == ("export_inference_graph", "freeze_graph")
    assert exported["output_file"] == frozen["input_graph"]
    assert frozen["input_checkpoint"] == "log/2026-11-02_09.00.00_b/all"  # a folder: its latest
    assert result.stdout.splitlines()[-1] == "out.pb"
