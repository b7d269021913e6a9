"""A training from an object store into one: the weights of a training on this machine."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from database_tools.remote import access
from tf_classification import train_classifier

ROOT = Path(__file__).parents[3]


def weights(content):
    found = {}
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(
            lambda name, at: found.update({name: np.array(at)}) if hasattr(at, "shape") else None
        )
    assert found
    return found


# The process is killed after the second step, which is kept.
KILLED = """
import sys, killed_run
from tf_classification import train_classifier
killed_run.arrange("step:0:2")
train_classifier.main(sys.argv[1:])
"""


@pytest.mark.slow  # two trainings
def test_its_weights_are_the_same_although_it_is_killed_and_goes_on(
    tiny_records, flags, object_store, tmp_path, monkeypatch, capsys
):
    address = object_store("s3").fresh(monkeypatch, "training")
    object_store.fill(f"{address}/records", tiny_records)
    how = [*flags[2:], "--epochs", "1", "--save-steps", "1"]
    kept = ["--cache_dir", str(tmp_path / "cache")]
    near = ["--tfrecords", str(tiny_records), "--logdir", str(tmp_path / "logs")]
    far = ["--tfrecords", f"{address}/records", "--logdir", f"{address}/logs"]
    assert train_classifier.main([*near, *how]) == 0
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    killed = subprocess.run([sys.executable, "-c", KILLED, *far, *how, *kept], env=environment)
    assert killed.returncode == -signal.SIGKILL
    (begun,) = (tmp_path / "cache" / "outputs" / "s3").glob("*/logs/2*")
    run = begun.name
    assert train_classifier.main(["--resume", f"{address}/logs/{run}", *kept]) == 0
    (logdir,) = (tmp_path / "logs").iterdir()
    there = object_store.contents(f"{address}/logs")
    assert {name.partition("/")[0] for name in there} == {run}
    one = weights((logdir / "best.weights.h5").read_bytes())
    other = weights(there[f"{run}/best.weights.h5"])
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    # the run is found where it was built, and nothing of it is put again
    monkeypatch.setattr(access, "put", None)
    assert train_classifier.main(["--resume", f"{address}/logs/{run}", *kept]) == 0
    assert "the run is finished" in capsys.readouterr().err
    elsewhere = ["--cache_dir", str(tmp_path / "elsewhere")]
    assert train_classifier.main(["--resume", f"{address}/logs/{run}", *elsewhere]) == 2
    assert "go on where it was written, or from a copy" in capsys.readouterr().err


def test_a_store_that_goes_away_ends_it_in_one_line(
    tiny_records, flags, object_store, tmp_path, monkeypatch, capsys
):
    address = object_store("s3").fresh(monkeypatch, "away")
    object_store.fill(f"{address}/records", tiny_records)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    fs = access.filesystem("s3")
    monkeypatch.setattr(access, "forget", lambda: None)
    real = fs.cat_file

    def cut(path, start=None, end=None):
        if start is not None and end - start < 4000:
            raise ConnectionError("key SECRET")
        return real(path, start=start, end=end)

    words = ["--tfrecords", f"{address}/records", *flags[2:], "--logdir", str(tmp_path / "logs")]
    monkeypatch.setattr(fs, "cat_file", cut)
    assert train_classifier.main(words) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "the store does not answer (ConnectionError)" in line
    assert "SECRET" not in line
