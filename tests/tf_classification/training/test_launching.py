"""Workers are started, and all of them again when one ends; none is ever left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from database_tools.core.errors import UserError
from tf_classification import launch_training
from tf_classification.training import launching
from tf_classification.training.launching import Launch

# A worker: notes its environment in FOLDER; what becomes of the second one in its N-th life is
# the N-th letter.  The first one ends well in that life, else it waits for ever.
WORKER = """
import json, os, pathlib, signal, sys, time
folder, lives = pathlib.Path(sys.argv[1]), sys.argv[2]
config = os.environ.get("TF_CONFIG", "")
index = json.loads(config)["task"]["index"] if config else 1
life = len(list(folder.glob(f"{index}.*")))
signal.signal(signal.SIGTERM, lambda *_: (print("asked", flush=True), sys.exit(130)))
print(f"worker {index}, life {life}", flush=True)
(folder / f"new{index}").write_text(json.dumps([os.getpid(), config, sys.argv[3:]]))
(folder / f"new{index}").replace(folder / f"{index}.{life}")  # all else is ready
end = lives[min(life, len(lives) - 1)]
while config and index and not (folder / f"0.{life}").exists():
    time.sleep(0.01)  # nobody ends before the other has begun
if end == "k" and index:
    os.kill(os.getpid(), signal.SIGKILL)
if end in "012" and (index or end == "0"):
    sys.exit(int(end))
time.sleep(60)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Returns what launches pairs of such workers."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    monkeypatch.setattr(launching, "TRAIN", (sys.executable, str(script)))
    monkeypatch.setattr(launching, "_GRACE", 0.3)

    def launch(lives, max_restarts=3, workers=2):
        words = [str(tmp_path), lives]
        return launching.run(Launch(words, tmp_path / "run", workers, max_restarts))

    return launch


def noted(folder):
    return {
        path.name: json.loads(path.read_text())
        for path in folder.iterdir()
        if path.name[:2] in ("0.", "1.")
    }


def is_alive(pid):
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "(zombie)" not in status.read_text()


def test_all_begin_again_when_one_is_killed_or_fails_although_the_other_waits(worker, tmp_path):
    assert worker("k10") == 0
    lives = noted(tmp_path)
    assert sorted(lives) == ["0.0", "0.1", "0.2", "1.0", "1.1", "1.2"]
    assert not any(is_alive(pid) for pid, _, _ in lives.values())
    for life in range(3):
        first, second = (json.loads(lives[f"{index}.{life}"][1]) for index in range(2))
        assert first["cluster"] == second["cluster"]
        assert len(set(first["cluster"]["worker"])) == 2
    said = (tmp_path / "run" / "worker_1.log").read_text().splitlines()
    assert said == ["worker 1, life 0", "worker 1, life 1", "worker 1, life 2"]


def test_a_mistake_is_not_repeated(worker, tmp_path):
    assert worker("2") == 2
    assert sorted(noted(tmp_path)) == ["0.0", "1.0"]
    assert (tmp_path / "run" / "worker_1.log").exists()  # nobody else has said it


def test_a_mistake_of_all_leaves_nothing_but_what_was_there(worker, tmp_path, monkeypatch):
    monkeypatch.setattr(launching, "TRAIN", (sys.executable, "-c", "raise SystemExit(2)"))
    run = tmp_path / "run"
    assert worker("") == 2
    assert not run.exists()
    run.mkdir()
    (run / "params.json").touch()
    assert worker("") == 2
    assert sorted(path.name for path in run.iterdir()) == ["params.json", "worker_1.log"]


def test_who_ends_too_often_is_named(worker, tmp_path):
    with pytest.raises(UserError, match="worker 1 ended by SIGKILL, after 1 restarts"):
        worker("k", max_restarts=1)
    assert sorted(noted(tmp_path)) == ["0.0", "0.1", "1.0", "1.1"]


def test_one_worker_has_the_environment_as_it_is(worker, tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert worker("10", workers=1) == 0
    assert [config for _, config, _ in noted(tmp_path).values()] == ["", ""]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_the_workers_end_with_their_launcher(tmp_path, number, status):
    (tmp_path / "worker.py").write_text(WORKER)
    program = (
        "import sys\nfrom tf_classification import launch_training\n"
        "from tf_classification.training import launching\n"
        f"launching.TRAIN = (sys.executable, {str(tmp_path / 'worker.py')!r})\n"
        f"words = [{str(tmp_path)!r}, 'w', '--logdir', {str(tmp_path)!r}, '--run-name', 'r']\n"
        "sys.exit(launch_training.main(['--workers', '2', '--', *words]))\n"
    )
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": root}
    ) as launcher:
        while len(noted(tmp_path)) < 2 and launcher.poll() is None:
            time.sleep(0.05)
        launcher.send_signal(number)
        assert launcher.wait(120) == status
    until = time.monotonic() + 60
    while any(is_alive(pid) for pid, _, _ in noted(tmp_path).values()):
        assert time.monotonic() < until
        time.sleep(0.05)
    said = (tmp_path / "r" / "worker_1.log").read_text().splitlines()
    assert said == ["worker 1, life 0", *(["asked"] if status > 0 else [])]


@pytest.mark.parametrize(
    ("words", "environment", "message"),
    [
        (["--workers", "0", "--", "a"], {}, "--workers must be at least 1, got 0"),
        (["--max_restarts", "-1", "--", "a"], {}, "--max_restarts must be at least 0, got -1"),
        (["--workers", "2", "--", "a"], {"TF_CONFIG": "{}"}, "TF_CONFIG or Slurm says which"),
        (["--", "a"], {"SLURM_STEP_NUM_TASKS": "2"}, "say --run-name NAME after the --"),
        (["--workers", "2", "--", "--resume", "s3://b/r"], {}, "need a folder on a disk that all"),
    ],
)
def test_an_impossible_launch_is_one_line(words, environment, message, monkeypatch, capsys):
    for name in ("TF_CONFIG", "SLURM_JOB_ID", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert launch_training.main(words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "environment", "added", "folder"),
    [
        (["a", "--logdir", "l"], {"SLURM_JOB_ID": "7"}, ["--run-name", "slurm_7"], "l/slurm_7"),
        (["a", "--run_name", "mine"], {}, [], "mine"),
        (["--resume", "l/old"], {}, [], "l/old"),
    ],
)
def test_a_run_has_a_name_that_every_start_knows(words, environment, added, folder, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    launched = []
    monkeypatch.setattr(launching, "run", lambda launch: launched.append(launch) or 0)
    assert launch_training.main(["--", *words]) == 0
    assert launched[0].words == [*words, *added]
    assert launched[0].folder == Path(folder)
