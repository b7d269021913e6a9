from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from slim_legacy import eval_image_classifier
from slim_legacy.nets import nets_factory
from slim_legacy.training import checkpoints, evaluation


@pytest.mark.parametrize(
    ("logits", "label", "top1", "top5"),
    [
        ([9, 8, 7, 6, 5, 4, 3], 0, 1, 1),
        ([9, 8, 7, 6, 5, 4, 3], 4, 0, 1),  # the fifth
        ([9, 8, 7, 6, 5, 4, 3], 5, 0, 0),
        ([9, 8, 7, 6, 5, 5, 5], 6, 0, 1),  # a tie at the edge counts as in
        ([9, 8, 8, 6, 5, 4, 4], 6, 0, 0),
        ([1, 1, 1], 2, 0, 1),  # fewer than five classes; the first of equals is the answer
    ],
)
def test_hits_of_one_picture(logits, label, top1, top5):
    found = evaluation.hits(np.array([logits], np.float32), np.array([label]))
    assert found == (top1, top5)


def test_hits_agree_with_in_top_k():
    rng = np.random.default_rng(0)
    logits = rng.integers(0, 4, (200, 8)).astype(np.float32)  # many ties
    labels = rng.integers(0, 8, 200)
    wanted = tf.math.in_top_k(labels, logits, 5).numpy().sum()
    assert evaluation.hits(logits, labels)[1] == wanted


@pytest.fixture(scope="module")
def knowing(tmp_path_factory):
    """A checkpoint that knows class 1 only: its logits are the head's biases.

    The moving averages of the same checkpoint know class 2 only.
    """
    network = nets_factory.variables(nets_factory.build("tiny", 3))
    values = {name: variable.numpy() for name, variable in network.items()}
    values["Tiny/Logits/Logits/weights"] *= 0
    values["Tiny/Logits/Logits/biases"] = np.array([0, 1, 0], np.float32)
    averages = {f"{name}/ExponentialMovingAverage": value for name, value in values.items()}
    bias = "Tiny/Logits/Logits/biases/ExponentialMovingAverage"
    averages[bias] = np.array([0, 0, 1], np.float32)
    folder = tmp_path_factory.mktemp("knowing")
    variables = {name: tf.Variable(value) for name, value in (values | averages).items()}
    checkpoints.save(folder, 40, variables)
    return folder


def evaluate(records_dir, checkpoint, eval_dir, *words):
    return eval_image_classifier.main(
        [
            f"--dataset_dir={records_dir}",
            f"--checkpoint_path={checkpoint}",
            f"--eval_dir={eval_dir}",
            "--dataset_name=auto",
            "--model_name=tiny",
            "--batch_size=4",
            *words,
        ]
    )


# The seven test labels are 0 1 2 0 1 2 0.
@pytest.mark.parametrize(
    ("words", "accuracy"),
    [
        ([], 2 / 7),  # each picture once: the original's wrap-around made it 2/8 or 3/8
        (["--max_num_batches=1"], 1 / 4),
        (["--moving_average_decay=0.99"], 2 / 7),
        (["--moving_average_decay=0.99", "--max_num_batches=1"], 1 / 4),
        (["--dataset_split_name=train"], 1 / 3),
    ],
)
def test_every_picture_counts_once(words, accuracy, records_dir, knowing, tmp_path, capsys):
    assert evaluate(records_dir, knowing, tmp_path, *words) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == [f"eval/Accuracy[{accuracy:.9g}]", "eval/Recall_5[1]"]


def test_the_averages_are_evaluated_on_demand(records_dir, knowing, tmp_path, capsys, make_shard):
    make_shard(tmp_path / "records" / "test-00000", [1, 1, 1, 2])
    words = ["--dataset_name=cct"]
    right = []
    for more in ([], ["--moving_average_decay=0.9"]):
        network = nets_factory.variables(nets_factory.build("tiny", 22))
        values = {n: tf.Variable(tf.zeros(v.shape)) for n, v in network.items()}
        values["Tiny/Logits/Logits/biases"].assign(np.eye(22)[1])
        shadows = {f"{n}/ExponentialMovingAverage": tf.Variable(v) for n, v in values.items()}
        shadows["Tiny/Logits/Logits/biases/ExponentialMovingAverage"].assign(np.eye(22)[2])
        checkpoints.save(tmp_path / "both", 1, values | shadows)
        assert evaluate(tmp_path / "records", tmp_path / "both", tmp_path, *words, *more) == 0
        right.append(capsys.readouterr().out.splitlines()[0])
    assert right == ["eval/Accuracy[0.75]", "eval/Accuracy[0.25]"]


def test_the_log_has_the_originals_lines(records_dir, knowing, tmp_path, capsys):
    assert evaluate(records_dir, knowing, tmp_path) == 0
    text = capsys.readouterr().err
    assert f"INFO:tensorflow:Evaluating {knowing}/model.ckpt-40" in text
    for line in ("Starting evaluation at 2", "Evaluation [1/2]", "Evaluation [2/2]", "Finished"):
        assert f"INFO:tensorflow:{line}" in text


def test_tensorboard_gets_both_numbers_at_the_checkpoints_step(records_dir, knowing, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert evaluate(records_dir, knowing, tmp_path) == 0
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert set(events.Tags()["tensors"]) == {"eval/Accuracy", "eval/Recall_5"}
    (event,) = events.Tensors("eval/Accuracy")
    assert event.step == 40
    assert float(tf.make_ndarray(event.tensor_proto)) == pytest.approx(2 / 7)


@pytest.mark.parametrize("name", ["", "model.ckpt-3"])
def test_no_checkpoint_is_an_error_not_random_weights(name, records_dir, tmp_path, capsys):
    assert evaluate(records_dir, tmp_path / name, tmp_path / "eval") == 2
    assert "checkpoint" in capsys.readouterr().err.splitlines()[-1]
