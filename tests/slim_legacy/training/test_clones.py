"""What needs a process of its own: logical devices, and a process that is killed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import tensorflow as tf

from slim_legacy import train_image_classifier
from slim_legacy.training import checkpoints

CLONES = """
import sys
import numpy as np, tensorflow as tf
from tf_classification.runs import strategies as made
from slim_legacy.training.trainer import Trainer
from slim_legacy.training.options import TrainOptions

strategies = {2: made.of_replicas(2, on_cpu=True), 1: tf.distribute.OneDeviceStrategy("/cpu:0")}
rng = np.random.default_rng(0)
images = rng.uniform(-1, 1, (8, 32, 32, 3)).astype(np.float32)
labels = np.arange(8, dtype=np.int64) % 3
images[4:], labels[4:] = images[:4], labels[:4]  # clones see the same, so their statistics agree
after = {}
for clones, strategy in strategies.items():
    with strategy.scope():
        options = TrainOptions(model_name="tiny", batch_size=8 // clones, num_clones=clones,
                               moving_average_decay=0.5)
        trainer = Trainer(options, 3)
        for name, variable in trainer.model.items():
            if not name.startswith("Tiny/Conv2d_3a"):
                seed = np.random.default_rng(len(name))
                variable.assign(abs(seed.normal(0.2, 0.1, variable.shape)))
            else:
                variable.assign(tf.fill(variable.shape, 0.05))
        trainer.averages.start_from_variables()
        data = tf.data.Dataset.from_tensors((images, labels)).unbatch().batch(8)
        batch = next(iter(strategy.experimental_distribute_dataset(data)))
        tf.nn.dropout = lambda x, rate: x  # its draws differ between clones
        loss = trainer.train_step(*batch, tf.constant(0.1), tf.constant(0.5))
        after[clones] = {n: v.read_value().numpy() for n, v in trainer.variables.items()}
        after[clones]["loss"] = loss.numpy()
# The unbiased variance of a clone's pictures is another than that of all.
names = [name for name in after[1] if "moving_variance" not in name]
worst, name = max((np.abs(after[1][n] - after[2][n]).max(), n) for n in names)
print(worst, name)
sys.exit(bool(worst > 1e-5))
"""


def ended(process) -> str:
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
def test_a_step_on_two_clones_is_the_step_on_one_with_both_batches(begin, tmp_path):
    (tmp_path / "clones.py").write_text(CLONES)
    ended(begin(tmp_path / "clones.py"))


def words(records_dir: Path, train_dir: Path, *more: str) -> list[str]:
    return [
        train_image_classifier.__file__,
        f"--dataset_dir={records_dir}",
        f"--train_dir={train_dir}",
        "--dataset_name=auto",
        "--model_name=tiny",
        "--batch_size=2",
        *more,
    ]


@pytest.mark.slow
def test_the_command_trains_on_two_clones_of_the_cpu(records_dir, tmp_path, begin):
    more = ["--num_clones=2", "--clone_on_cpu", "--max_number_of_steps=3", "--log_every_n_steps=1"]
    said = ended(begin(*words(records_dir, tmp_path, *more)))
    assert "One epoch of 12 pictures is 3 steps of 4" in said
    assert checkpoints.latest(tmp_path) == str(tmp_path / "model.ckpt-3")


@pytest.mark.slow
def test_a_killed_run_goes_on_from_its_last_checkpoint(records_dir, tmp_path, begin):
    more = ["--save_interval_secs=0", "--log_every_n_steps=1"]
    process = begin(*words(records_dir, tmp_path, *more))
    try:
        while process.poll() is None:
            time.sleep(0.1)
            if (found := checkpoints.latest(tmp_path)) and checkpoints.step_of(found) >= 5:
                break
    finally:
        process.kill()
        process.wait()
    last = checkpoints.latest(tmp_path)
    assert last is not None
    step = checkpoints.step_of(last)
    assert step >= 5
    said = ended(begin(*words(records_dir, tmp_path, f"--max_number_of_steps={step + 2}")))
    assert f"Restoring parameters from {last}" in said
    assert checkpoints.step_of(checkpoints.latest(tmp_path)) == step + 2
    assert len(list(tmp_path.glob("*.index"))) <= checkpoints.KEEP
    assert tf.train.latest_checkpoint(str(tmp_path)) == checkpoints.latest(tmp_path)
