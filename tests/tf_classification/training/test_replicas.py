"""One device, several devices and several machines do the same arithmetic."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("one_global_batch.py")


def result(process, out):
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 0, said[-3000:]
    with np.load(out) as table:
        return dict(table)


@pytest.fixture(scope="module")
def one_device(tmp_path_factory, begin):
    out = tmp_path_factory.mktemp("one") / "out.npz"
    return result(begin(SCRIPT, out, 0), out)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in set(expected) - {"replicas"}:
        scale = np.abs(expected[name]).max()
        assert np.abs(found[name] - expected[name]).max() <= 1e-10 * scale, name


@pytest.mark.slow
def test_the_last_batch_counts_its_real_examples_only(one_device):
    confusion = next(a for a in one_device.values() if a.shape == (5, 5))
    assert confusion.sum() == 2 * 11  # two steps with the same batch


@pytest.mark.slow
def test_logical_devices_do_what_one_device_does(one_device, tmp_path, begin):
    out = tmp_path / "out.npz"
    found = result(begin(SCRIPT, out, 4), out)  # one of them has no row
    assert found["replicas"] == 4
    assert_same(found, one_device)


@pytest.mark.slow
def test_two_processes_do_what_one_device_does(one_device, tmp_path, begin, free_ports):
    workers = [f"localhost:{port}" for port in free_ports(2)]
    processes = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": workers}, "task": task})
        processes.append(begin(SCRIPT, tmp_path / f"{index}.npz", 0, TF_CONFIG=config))
    for index, process in enumerate(processes):
        found = result(process, tmp_path / f"{index}.npz")
        assert found["replicas"] == 2
        assert found["agreed"] == 100  # what worker 0, the chief, said
        assert_same(found, one_device)
