"""Folders whose names TensorFlow would take for patterns: what we wrote we read."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from database_tools.durable import plain_paths
from slim_legacy.training import checkpoints
from tf_classification import predictor
from tf_classification.models import bundle, networks
from tf_classification.models.description import Description

NAMES = ["run[1]", "a*b", "a?b", "back\\slash", "[!x]{1}", "plain", "é ?"]


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_is_read_from_any_folder(tmp_path, name):
    network = networks.build("demo-cnn", 2, image_size=32)
    described = Description(("fox", "deer"), "demo-cnn", 32)
    written = bundle.write(tmp_path / name, network, described)
    opened = predictor.open(written.base)
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(opened.logits(pixels), network(pixels), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_checkpoints_are_read_from_any_folder(tmp_path, name):
    # one that the name as a pattern would mean, with other numbers
    for folder, number in ((tmp_path / "run1", 5.0), (tmp_path / "axb", 6.0), (tmp_path / name, 7)):
        checkpoints.save(folder, 3, {"x": tf.Variable(float(number))})
        checkpoints.write_v1(folder / "old.ckpt", {"x": tf.constant(float(number))})
    found = checkpoints.latest(tmp_path / name)
    assert found == str(tmp_path / name / "model.ckpt-3")
    assert checkpoints.step_of(found) == 3
    for path in (found, str(tmp_path / name / "old.ckpt")):
        variable = tf.Variable(0.0)
        checkpoints.restore(checkpoints.find(path), {"x": variable})
        assert variable.numpy() == 7


def test_a_checkpoints_own_name_may_look_like_a_pattern(tmp_path):
    checkpoints.write_v2(tmp_path / "m[1].ckpt", {"x": tf.constant(1.0)})
    checkpoints.write_v2(tmp_path / "m1.ckpt", {"x": tf.constant(2.0)})
    variable = tf.Variable(0.0)
    checkpoints.restore(checkpoints.find(str(tmp_path / "m[1].ckpt")), {"x": variable})
    assert variable.numpy() == 1


def test_a_plain_path_is_given_as_it_is_and_links_go_away(tmp_path):
    with plain_paths.folder(tmp_path) as plain:
        assert plain == tmp_path
    (tmp_path / "a[b").mkdir()
    (tmp_path / "a[b" / "file").write_text("x")
    with plain_paths.folder(tmp_path / "a[b") as plain:
        assert (plain / "file").read_text() == "x"
        assert not set(str(plain)) & set("[]*?\\")
    assert not plain.parent.exists()
    assert (tmp_path / "a[b" / "file").exists()
