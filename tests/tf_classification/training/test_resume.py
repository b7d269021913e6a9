"""A training that was killed with SIGKILL goes on to the very same weights."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from tf_classification.training import launching
from tf_classification.training.launching import Launch

SCRIPT = Path(__file__).with_name("killed_run.py")
# Where it is killed: 4 steps per epoch, a state after 2 steps and after each epoch.
MOMENTS = [
    "step:1:1",
    "saving:2",  # of its own: the state of epoch 1
    "best:1",  # before the state of epoch 1
    "step:2:3",  # right after a state within the epoch
]

SPEEDS = ("train/images_per_second", "train/input_wait")


def end(process, expected=0):
    said, _ = process.communicate(timeout=900)
    assert process.returncode == expected, said[-3000:]
    return said


def state_of(logdir):
    with np.load(logdir / "resume.npz") as table:
        return dict(table)


def assert_same_end(found, expected):
    """Every variable and what is remembered of the epochs, bit by bit (but for the speed)."""
    assert found.keys() == expected.keys()
    for name in set(expected) - {"note"}:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    notes = [json.loads(str(each["note"])) for each in (found, expected)]
    for note in notes:
        logs = note["callback"]["best_logs"]
        note["callback"]["best_logs"] = {k: v for k, v in logs.items() if k not in SPEEDS}
    assert notes[0] == notes[1]
    assert notes[0]["position"] == {"epoch": 3, "step": 0}


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_at_the_weights_of_an_undisturbed_one(
    tiny, tmp_path, begin
):
    undisturbed = begin(SCRIPT, tiny, tmp_path / "undisturbed", "rich", "never")
    for moment in MOMENTS:
        end(begin(SCRIPT, tiny, tmp_path / "killed", "rich", moment), expected=-signal.SIGKILL)
    end(begin(SCRIPT, tiny, tmp_path / "killed", "rich", "never"))
    end(undisturbed)
    assert_same_end(state_of(tmp_path / "killed"), state_of(tmp_path / "undisturbed"))


@pytest.mark.slow
def test_a_launched_pair_of_which_one_is_killed_twice_ends_at_the_undisturbed_weights(
    tiny, tmp_path, begin, monkeypatch, caplog
):
    def warmly(launch, number, environment):
        return begin(SCRIPT, *launch.words, **environment)

    monkeypatch.setattr(launching, "_start", warmly)
    words = [tiny, tmp_path / "undisturbed", "plain", "never"]
    assert launching.run(Launch(words, tmp_path, workers=2, max_restarts=0)) == 0
    monkeypatch.setattr(launching, "_GRACE", 300)
    left, end_all = [], launching._end

    def noted(workers):
        left.extend(worker for worker in workers if worker.poll() is None)
        end_all(workers)

    monkeypatch.setattr(launching, "_end", noted)
    words = [tiny, tmp_path / "killed", "plain", "each:1:1:2:0"]
    assert launching.run(Launch(words, tmp_path, workers=2, max_restarts=2)) == 0
    assert sum("starting all again" in each.getMessage() for each in caplog.records) == 2
    assert left == []  # when one is killed the other ends by itself
    found, expected = (state_of(tmp_path / name) for name in ("killed", "undisturbed"))
    assert_same_end(found, expected)
