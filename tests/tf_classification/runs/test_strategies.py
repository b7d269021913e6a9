"""Which strategy is taken, and who the workers are."""

from __future__ import annotations

import pytest
import tensorflow as tf

from database_tools.core.errors import UserError
from tf_classification.runs import strategies


def test_a_machine_without_gpus_and_cluster_trains_on_one_device(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    strategy = strategies.make("auto")
    assert isinstance(strategy, tf.distribute.OneDeviceStrategy)
    assert strategies.worker_of(strategy) == (0, 1)
    assert strategies.is_chief(strategy)
    assert strategies.from_chief(strategy, 7) == 7


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"cluster": []}'])
def test_a_broken_tf_config_is_named(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="TF_CONFIG is not the JSON that TensorFlow expects"):
        strategies.make("auto")


def test_slurm_without_gpus_names_its_workers(monkeypatch):
    monkeypatch.setattr(strategies.shutil, "which", lambda name: None)
    variables = {"PROCID": "2", "STEP_NUM_TASKS": "3", "STEP_NODELIST": "n[1-2]"}
    for name, value in (variables | {"STEP_TASKS_PER_NODE": "2,1"}).items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    resolver = strategies.slurm()
    assert resolver.cluster_spec().as_dict() == {"worker": ["n1:8888", "n1:8889", "n2:8888"]}
    assert resolver.get_task_info() == ("worker", 2)


def test_slurms_number_of_tasks_decides_for_several_workers(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "3")
    monkeypatch.setattr(strategies, "_multiworker", lambda workers: f"{workers} workers")
    assert strategies.make("auto") == "3 workers"


def test_more_devices_than_tensorflow_made_at_its_start_are_refused():
    tf.constant(0)  # it runs
    with pytest.raises(UserError, match="--logical-cpus 64: TensorFlow runs already"):
        strategies.make("auto", logical_cpus=64)


@pytest.mark.parametrize("number", [2, 8])
def test_more_clones_than_gpus_are_refused(number):
    flag = f"--num_clones={number}"
    with pytest.raises(UserError, match=f"{flag}, but this machine has 0 GPUs"):
        strategies.of_replicas(number, flag=flag)
    assert isinstance(strategies.of_replicas(1), tf.distribute.OneDeviceStrategy)
