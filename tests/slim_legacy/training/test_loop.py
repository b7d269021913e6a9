"""Training the tiny network in one process; what needs another is in test_clones.py."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from slim_legacy import eval_image_classifier, train_image_classifier
from slim_legacy.nets import nets_factory
from slim_legacy.training import checkpoints

HEADS = "Tiny/AuxLogits,Tiny/Logits"


def train(records_dir: Path, train_dir: Path, *words: str) -> int:
    return train_image_classifier.main(
        [
            f"--dataset_dir={records_dir}",
            f"--train_dir={train_dir}",
            "--dataset_name=auto",
            "--model_name=tiny",
            "--batch_size=4",
            *words,
        ]
    )


def contents(path: Path | str) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(path))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


@pytest.fixture(scope="module")
def from_scratch(records_dir, tmp_path_factory):
    """Three steps from random variables, with moving averages."""
    folder = tmp_path_factory.mktemp("scratch")
    logger = logging.getLogger("slim_legacy")
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    words = ["--max_number_of_steps=3", "--log_every_n_steps=1", "--moving_average_decay=0.99"]
    assert train(records_dir, folder, *words) == 0
    logger.removeHandler(handler)
    return folder, lines


def test_a_checkpoint_holds_the_model_the_slots_the_averages_and_the_step(from_scratch):
    names = set(contents(from_scratch[0]))
    network = nets_factory.variables(nets_factory.build("tiny", 3))
    trained = [name for name, variable in network.items() if variable.trainable]
    wanted = {"global_step", *network}
    wanted |= {f"{name}/{slot}" for name in trained for slot in ("RMSProp", "RMSProp_1")}
    wanted |= {f"{name}/ExponentialMovingAverage" for name in network}
    assert names == wanted


def test_the_log_has_the_originals_lines(from_scratch):
    text = "\n".join(from_scratch[1])
    for line in (
        "INFO:tensorflow:Starting Session.",
        f"INFO:tensorflow:Saving checkpoint to path {from_scratch[0]}/model.ckpt",
        "INFO:tensorflow:Recording summary at step 1.",
        "INFO:tensorflow:Stopping Training.",
        "INFO:tensorflow:Finished training! Saving model to disk.",
        "INFO:tensorflow:One epoch of 12 pictures is 3 steps of 4",
    ):
        assert line in text
    step = r"^INFO:tensorflow:global step 3: loss = \d+\.\d{4} \(\d+\.\d{3} sec/step\)$"
    assert re.search(step, text, re.MULTILINE)


def test_tensorboard_gets_scalars_activations_and_variables(from_scratch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(from_scratch[0]))
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {"learning_rate", "total_loss", "input", "Losses/regularization_loss"} <= tags
    (weights,) = events.Tensors("Tiny/Logits/Logits/weights")
    buckets = tf.make_ndarray(weights.tensor_proto)  # rows: from, to, count
    assert buckets[:, 2].sum() == 16 * 3
    assert {"activations/Mixed_2a", "sparsity/Mixed_2a", "Tiny/Logits/Logits/weights"} <= tags


def test_first_and_last_step_are_saved(from_scratch):
    found = sorted(file.stem for file in from_scratch[0].glob("*.index"))
    assert found == ["model.ckpt-0", "model.ckpt-3"]


def test_averages_of_the_first_step_are_nine_tenths_new(records_dir, tmp_path):
    words = ["--max_number_of_steps=1", "--moving_average_decay=0.99"]
    assert train(records_dir, tmp_path, *words) == 0
    before, after = contents(tmp_path / "model.ckpt-0"), contents(tmp_path / "model.ckpt-1")
    name = "Tiny/Conv2d_1a_3x3/BatchNorm/moving_mean"
    shadow = 0.1 * before[name] + 0.9 * after[name]  # d = min(0.99, (1 + 0) / (10 + 0))
    np.testing.assert_allclose(after[f"{name}/ExponentialMovingAverage"], shadow, rtol=1e-5)


@pytest.fixture(scope="module")
def frozen(records_dir, from_scratch, tmp_path_factory):
    """Phase 1 of the recipe: only the heads are trained, from another run's checkpoint."""
    folder = tmp_path_factory.mktemp("frozen")
    words = [
        f"--checkpoint_path={from_scratch[0]}",
        f"--checkpoint_exclude_scopes={HEADS}",
        f"--trainable_scopes={HEADS}",
        "--max_number_of_steps=2",
    ]
    assert train(records_dir, folder, *words) == 0
    return contents(folder / "model.ckpt-0"), contents(folder / "model.ckpt-2")


def test_the_frozen_phase_moves_heads_and_moving_statistics_and_nothing_else(frozen):
    before, after = frozen
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    heads = {name for name in before if "Logits/" in name}
    statistics = {name for name in before if "/moving_" in name}
    assert moved == heads | statistics | {"global_step"}


def test_slots_exist_for_what_is_trained_only(frozen):
    slots = {name.rpartition("/")[0] for name in frozen[0] if "RMSProp" in name}
    assert slots == {n for n in frozen[0] if "Logits/" in n and "RMSProp" not in n}


def test_fine_tuning_restores_the_model_but_not_heads_step_or_slots(frozen, from_scratch):
    source = contents(from_scratch[0])
    for name, value in frozen[0].items():
        backbone = "Logits" not in name and "RMSProp" not in name and name != "global_step"
        if backbone:
            np.testing.assert_array_equal(value, source[name])
    assert frozen[0]["global_step"] == 0
    head = "Tiny/Logits/Logits/weights"
    assert not np.array_equal(frozen[0][head], source[head])
    assert (frozen[0][f"{head}/RMSProp"] == 1).all()


def test_a_finished_folder_does_one_more_step_and_ignores_the_checkpoint(
    records_dir, tmp_path, capsys
):
    assert train(records_dir, tmp_path, "--max_number_of_steps=2") == 0
    words = ["--max_number_of_steps=2", "--checkpoint_path=/no/such/checkpoint"]
    assert train(records_dir, tmp_path, *words) == 0
    assert checkpoints.latest(tmp_path) == str(tmp_path / "model.ckpt-3")
    assert "Ignoring --checkpoint_path" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_in_a_folder_that_looks_like_a_pattern_goes_on_and_is_evaluated(
    records_dir, tmp_path, capsys
):
    folder = tmp_path / "run[1]"
    for steps in (1, 2):
        assert train(records_dir, folder, f"--max_number_of_steps={steps}") == 0
    assert checkpoints.latest(folder) == str(folder / "model.ckpt-2")
    words = [f"--dataset_dir={records_dir}", "--dataset_name=auto", "--model_name=tiny"]
    words += [f"--checkpoint_path={folder}", f"--eval_dir={folder / 'eval'}", "--batch_size=4"]
    assert eval_image_classifier.main(words) == 0
    assert "eval/Accuracy[" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--checkpoint_path=/no/such"], "/no/such: no such checkpoint"),
        (["--trainable_scopes=Tiny/Logit,Tiny/Nothing"], "starts with Tiny/Nothing"),
        (["--learning_rate=1e30", "--max_number_of_steps=9"], "lower --learning_rate?"),
        (["--train_image_size=0"], "--train_image_size must be at least 1"),
        (["--num_clones=2"], "this machine has 0 GPUs"),
        (["--labels_offset=1"], "label out of range: -1 is not in [0, 2)"),
    ],
)
def test_a_mistake_is_one_line(words, message, records_dir, tmp_path, capsys):
    assert train(records_dir, tmp_path, *words) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_smaller_picture_than_the_network_takes_is_one_line(records_dir, tmp_path, capsys):
    words = ["--model_name=inception_v4", "--train_image_size=20"]
    assert train(records_dir, tmp_path, *words) == 2
    assert "inception_v4 cannot take pictures of 20 x 20" in capsys.readouterr().err
