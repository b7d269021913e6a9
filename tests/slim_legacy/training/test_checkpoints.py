from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from database_tools.core.errors import FormatError, UserError
from slim_legacy.training import checkpoints

NAMES = {"Tiny/a/weights": (2, 3), "Tiny/a/BatchNorm/beta": (3,), "Tiny/Logits/weights": (3, 4)}


def variables(seed=0):
    rng = np.random.default_rng(seed)
    return {n: tf.Variable(rng.normal(size=s).astype(np.float32)) for n, s in NAMES.items()}


def values(of):
    return {name: variable.numpy() for name, variable in of.items()}


@pytest.mark.parametrize("write", [checkpoints.write_v1, checkpoints.write_v2])
def test_both_formats_are_read_back_bit_by_bit(write, tmp_path):
    written, read = variables(1), variables(2)
    write(tmp_path / "inception_v4.ckpt", values(written))
    found = checkpoints.find(str(tmp_path / "inception_v4.ckpt"))
    assert checkpoints.restore(found, read) == []
    for name in NAMES:
        np.testing.assert_array_equal(read[name].numpy(), written[name].numpy())


def test_v1_is_one_file_and_tensorflow_lists_its_names(tmp_path):
    checkpoints.write_v1(tmp_path / "x.ckpt", values(variables()))
    assert [f.name for f in tmp_path.iterdir()] == ["x.ckpt"]
    listed = dict(tf.train.list_variables(str(tmp_path / "x.ckpt")))
    assert listed == {name: list(shape) for name, shape in NAMES.items()}


def test_a_saved_checkpoint_has_slim_names_and_the_step(tmp_path):
    prefix = checkpoints.save(tmp_path, 1000, variables())
    reader = tf.train.load_checkpoint(str(tmp_path))  # by the `checkpoint` file
    assert sorted(reader.get_variable_to_shape_map()) == sorted([*NAMES, "global_step"])
    assert reader.get_variable_to_dtype_map()["global_step"] == tf.int64
    assert prefix.name == "model.ckpt-1000"
    assert checkpoints.step_of(str(prefix)) == 1000


def test_tensorflow_1s_saver_restores_what_is_written(tmp_path):
    written = variables(3)
    prefix = checkpoints.save(tmp_path, 7, written)
    wanted = written["Tiny/a/weights"].numpy()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.get_variable("Tiny/a/weights", (2, 3), use_resource=False)
        tf.compat.v1.train.Saver({"Tiny/a/weights": variable}).restore(session, str(prefix))
        np.testing.assert_array_equal(session.run(variable), wanted)


def test_the_last_five_are_kept_in_order_of_steps(tmp_path):
    for step in (0, 9, 10, 100, 1000, 1001, 20000):
        checkpoints.save(tmp_path, step, variables())
    kept = sorted(int(f.stem.rpartition("-")[2]) for f in tmp_path.glob("*.index"))
    assert kept == [10, 100, 1000, 1001, 20000]
    assert checkpoints.latest(tmp_path) == str(tmp_path / "model.ckpt-20000")
    assert len(list(tmp_path.iterdir())) == 11


@pytest.mark.parametrize(
    "state", [None, 'model_checkpoint_path: "/another/machine/model.ckpt-10"\n', ""]
)
def test_a_moved_folder_has_its_highest_step(state, tmp_path):
    for step in (9, 10):
        checkpoints.save(tmp_path, step, variables())
    (tmp_path / "checkpoint").unlink()
    if state is not None:
        (tmp_path / "checkpoint").write_text(state)
    assert checkpoints.latest(tmp_path) == str(tmp_path / "model.ckpt-10")


def test_a_checkpoint_without_index_was_killed_and_does_not_count(tmp_path):
    checkpoints.save(tmp_path, 1, variables())
    (tmp_path / "model.ckpt-2.data-00000-of-00001.tempstate123").write_bytes(b"half")
    assert checkpoints.latest(tmp_path) == str(tmp_path / "model.ckpt-1")
    checkpoints.save(tmp_path, 2, variables())
    assert not list(tmp_path.glob("*tempstate*"))


@pytest.mark.parametrize("name", ["m.ckpt", "m.ckpt.index", "m.ckpt.data-00000-of-00001"])
def test_any_part_of_a_checkpoint_names_it(name, tmp_path):
    checkpoints.write_v2(tmp_path / "m.ckpt", values(variables()))
    assert checkpoints.find(str(tmp_path / name)) == str(tmp_path / "m.ckpt")


def test_no_checkpoint_is_an_error_and_not_random_weights(tmp_path):
    with pytest.raises(UserError, match="no checkpoint in this folder"):
        checkpoints.find(str(tmp_path))
    with pytest.raises(UserError, match="no such checkpoint"):
        checkpoints.find(str(tmp_path / "inception_v4.ckpt"))


def test_a_file_that_is_no_checkpoint_is_one_line(tmp_path):
    (tmp_path / "x.ckpt").write_bytes(b"hello" * 100)
    with pytest.raises(FormatError, match="not a checkpoint"):
        checkpoints.restore(checkpoints.find(str(tmp_path / "x.ckpt")), variables())


def test_missing_variables_are_an_error_unless_ignored_and_shapes_always(tmp_path):
    part = values(variables())
    del part["Tiny/a/BatchNorm/beta"]
    checkpoints.write_v2(tmp_path / "m", part)
    mine = variables(5)
    before = mine["Tiny/a/weights"].numpy().copy()
    with pytest.raises(UserError, match=r"1 of 3 variables are missing.*Tiny/a/BatchNorm/beta"):
        checkpoints.restore(str(tmp_path / "m"), mine)
    np.testing.assert_array_equal(mine["Tiny/a/weights"].numpy(), before)  # all or none
    assert checkpoints.restore(str(tmp_path / "m"), mine, True) == ["Tiny/a/BatchNorm/beta"]
    np.testing.assert_array_equal(mine["Tiny/a/weights"].numpy(), part["Tiny/a/weights"])
    mine["Tiny/Logits/weights"] = tf.Variable(np.zeros((3, 7), np.float32))
    with pytest.raises(UserError, match="checkpoint_exclude_scopes"):
        checkpoints.restore(str(tmp_path / "m"), mine, True)
    with pytest.raises(UserError, match=r"has shape \[3, 4\], the network \[3, 7\]$"):
        checkpoints.restore(
            str(tmp_path / "m"), {"Tiny/Logits/weights": mine["Tiny/Logits/weights"]}
        )


@pytest.mark.parametrize(
    ("scopes", "left"),
    [
        (None, ["N/AuxLogits/w", "N/Logits/w", "N/LogitsB/w", "N/a/w"]),
        ("N/AuxLogits,N/Logits", ["N/a/w"]),  # plain beginnings: LogitsB goes as well
        ("N/Logits/, N/a/w", ["N/AuxLogits/w", "N/LogitsB/w"]),
        ("Logits", ["N/AuxLogits/w", "N/Logits/w", "N/LogitsB/w", "N/a/w"]),
    ],
)
def test_scopes_are_excluded_by_how_names_start(scopes, left):
    names = ["N/AuxLogits/w", "N/Logits/w", "N/LogitsB/w", "N/a/w"]
    assert checkpoints.without_scopes(names, scopes) == left


@pytest.mark.parametrize("content", [b"", bytes(76), bytes(range(76)), None])
def test_numbers_that_are_broken_are_one_line_and_change_nothing(tmp_path, content):
    prefix = checkpoints.save(tmp_path, 7, variables(1))
    (data,) = tmp_path.glob("*.data-*")
    whole = data.read_bytes()
    broken = whole[:-30] + bytes(30) if content is None else (content * 9)[: len(whole)]
    data.write_bytes(broken)
    read = variables(2)
    before = values(read)
    with pytest.raises(FormatError, match=r"model\.ckpt-7: "):
        checkpoints.restore(str(prefix), read)
    for name in NAMES:
        np.testing.assert_array_equal(read[name].numpy(), before[name])
