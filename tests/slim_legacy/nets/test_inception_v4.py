"""Inception V4 against TF-slim's list of variables, and against a second writing of its layers.

``inception_v4_variables.tsv`` lists name, shape, trainable, regularised of the original's 608
variables for 7 classes. One network is shared: it has 44 million numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from slim_legacy.nets import nets_factory
from slim_legacy.training import checkpoints

CLASSES = 7

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    made = nets_factory.build("inception_v4", CLASSES)
    rng = np.random.default_rng(0)
    for name, variable in nets_factory.variables(made).items():
        if name.endswith(("beta", "moving_mean", "biases")):
            variable.assign(rng.normal(0, 0.1, variable.shape))
        elif name.endswith("moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return made


@pytest.fixture(scope="module")
def images():
    return tf.constant(np.random.default_rng(1).uniform(-1, 1, (2, 299, 299, 3)), tf.float32)


@pytest.fixture(scope="module")
def points(network, images):
    return tf.function(lambda x: network(x, training=False), autograph=False)(images)


def original():
    text = Path(__file__).with_name("inception_v4_variables.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return {n: (tuple(map(int, s.split(","))), t == "1", r == "1") for n, s, t, r in rows}


def test_all_variables_have_the_originals_names_shapes_and_roles(network):
    found = {
        name: (tuple(variable.shape), variable.trainable, nets_factory.is_regularised(name))
        for name, variable in nets_factory.variables(network).items()
    }
    assert found == original()
    assert len(found) == 608
    assert sum(trainable for _, trainable, _ in found.values()) == 306


@pytest.mark.parametrize(
    ("point", "shape"),
    [
        ("Conv2d_1a_3x3", (149, 149, 32)),
        ("Mixed_3a", (73, 73, 160)),
        ("Mixed_4a", (71, 71, 192)),
        ("Mixed_5e", (35, 35, 384)),
        ("Mixed_6h", (17, 17, 1024)),
        ("Mixed_7d", (8, 8, 1536)),
        ("AuxLogits", (7,)),
        ("global_pool", (1, 1, 1536)),
        ("PreLogitsFlatten", (1536,)),
        ("Predictions", (7,)),
    ],
)
def test_end_points_have_the_originals_shapes(point, shape, points):
    assert points[point].shape == (2, *shape)
    assert len(points) == 22 + 5  # the blocks, both heads, the pool, the flat, the softmax


class SecondWriting:
    """The network once more: plain operations on variables taken by their full names."""

    def __init__(self, variables):
        self.variables = {name: tf.constant(value.numpy()) for name, value in variables.items()}
        self.scope = "InceptionV4/"

    def conv(self, x, name, stride=1, padding="SAME"):
        get = self.variables
        scope = f"{self.scope}{name}"
        x = tf.nn.conv2d(x, get[f"{scope}/weights"], stride, padding)
        mean, variance = (get[f"{scope}/BatchNorm/moving_{s}"] for s in ("mean", "variance"))
        x = (x - mean) / tf.sqrt(variance + 0.001) + get[f"{scope}/BatchNorm/beta"]
        return tf.maximum(x, 0)

    def convs(self, x, *names):
        for name in names:
            x = self.conv(x, name)
        return x

    def mixed_a(self, x, b):
        b = f"{b}/Branch_"
        pooled = tf.nn.avg_pool2d(x, 3, 1, "SAME")
        one, three = "Conv2d_0a_1x1", "Conv2d_0b_3x3"
        branches = [
            self.conv(x, f"{b}0/{one}"),
            self.convs(x, f"{b}1/{one}", f"{b}1/{three}"),
            self.convs(x, f"{b}2/{one}", f"{b}2/{three}", f"{b}2/Conv2d_0c_3x3"),
            self.conv(pooled, f"{b}3/Conv2d_0b_1x1"),
        ]
        return tf.concat(branches, 3)

    def mixed_b(self, x, b):
        b = f"{b}/Branch_"
        pooled = tf.nn.avg_pool2d(x, 3, 1, "SAME")
        long = ["Conv2d_0a_1x1", "Conv2d_0b_7x1", "Conv2d_0c_1x7", "Conv2d_0d_7x1", "Conv2d_0e_1x7"]
        branches = [
            self.conv(x, f"{b}0/Conv2d_0a_1x1"),
            self.convs(x, *(f"{b}1/Conv2d_{n}" for n in ("0a_1x1", "0b_1x7", "0c_7x1"))),
            self.convs(x, *(f"{b}2/{name}" for name in long)),
            self.conv(pooled, f"{b}3/Conv2d_0b_1x1"),
        ]
        return tf.concat(branches, 3)

    def mixed_c(self, x, b):
        b = f"{b}/Branch_"
        pooled = tf.nn.avg_pool2d(x, 3, 1, "SAME")
        short = self.conv(x, f"{b}1/Conv2d_0a_1x1")
        long = self.convs(x, *(f"{b}2/Conv2d_{n}" for n in ("0a_1x1", "0b_3x1", "0c_1x3")))
        branches = [
            self.conv(x, f"{b}0/Conv2d_0a_1x1"),
            self.conv(short, f"{b}1/Conv2d_0b_1x3"),
            self.conv(short, f"{b}1/Conv2d_0c_3x1"),
            self.conv(long, f"{b}2/Conv2d_0d_1x3"),
            self.conv(long, f"{b}2/Conv2d_0e_3x1"),
            self.conv(pooled, f"{b}3/Conv2d_0b_1x1"),
        ]
        return tf.concat(branches, 3)

    def stem(self, x):
        x = self.conv(x, "Conv2d_1a_3x3", 2, "VALID")
        x = self.conv(x, "Conv2d_2a_3x3", 1, "VALID")
        x = self.conv(x, "Conv2d_2b_3x3")
        pooled = tf.nn.max_pool2d(x, 3, 2, "VALID")
        reduced = self.conv(x, "Mixed_3a/Branch_1/Conv2d_0a_3x3", 2, "VALID")
        x = tf.concat([pooled, reduced], 3)
        b = "Mixed_4a/Branch_"
        short = self.conv(x, f"{b}0/Conv2d_0a_1x1")
        long = self.convs(x, *(f"{b}1/Conv2d_{n}" for n in ("0a_1x1", "0b_1x7", "0c_7x1")))
        last = "Conv2d_1a_3x3"
        ends = [(short, f"{b}0/{last}"), (long, f"{b}1/{last}")]
        x = tf.concat([self.conv(y, name, 1, "VALID") for y, name in ends], 3)
        reduced = self.conv(x, "Mixed_5a/Branch_0/Conv2d_1a_3x3", 2, "VALID")
        return tf.concat([reduced, tf.nn.max_pool2d(x, 3, 2, "VALID")], 3)

    def reductions(self, x, b, first, second):
        """Mixed_6a and Mixed_7a: two branches of convolutions that end in stride 2, and a pool."""
        ends = []
        for i, names in enumerate((first, second)):
            y = self.convs(x, *(f"{b}/Branch_{i}/Conv2d_{name}" for name in names))
            ends.append(self.conv(y, f"{b}/Branch_{i}/Conv2d_1a_3x3", 2, "VALID"))
        return tf.concat([*ends, tf.nn.max_pool2d(x, 3, 2, "VALID")], 3)

    def linear(self, x, name):
        scope = f"{self.scope}{name}"
        return x @ self.variables[f"{scope}/weights"] + self.variables[f"{scope}/biases"]

    def __call__(self, x):
        x = self.stem(x)
        for letter in "bcde":
            x = self.mixed_a(x, f"Mixed_5{letter}")
        x = self.reductions(x, "Mixed_6a", (), ("0a_1x1", "0b_3x3"))
        for letter in "bcdefgh":
            x = self.mixed_b(x, f"Mixed_6{letter}")
        aux = tf.nn.avg_pool2d(x, 5, 3, "VALID")
        aux = self.conv(aux, "AuxLogits/Conv2d_1b_1x1")
        aux = self.conv(aux, "AuxLogits/Conv2d_2a", 1, "VALID")[:, 0, 0]
        x = self.reductions(x, "Mixed_7a", ("0a_1x1",), ("0a_1x1", "0b_1x7", "0c_7x1"))
        for letter in "bcd":
            x = self.mixed_c(x, f"Mixed_7{letter}")
        logits = self.linear(tf.reduce_mean(x, [1, 2]), "Logits/Logits")
        return logits, self.linear(aux, "AuxLogits/Aux_logits")


def test_logits_are_those_of_the_second_writing(network, images, points):
    second = SecondWriting(nets_factory.variables(network))
    logits, aux = tf.function(second, autograph=False)(images)
    scale = float(tf.reduce_max(tf.abs(logits)))
    assert scale > 0.01  # not a comparison of zeros
    np.testing.assert_allclose(points["Logits"], logits, atol=1e-4 * max(1, scale))
    np.testing.assert_allclose(points["AuxLogits"], aux, atol=1e-4 * max(1, scale))


def test_a_checkpoint_of_1001_classes_is_fine_tuned_without_its_heads(network, tmp_path):
    """The public file's shape: V1, both heads of another size."""
    variables = nets_factory.variables(network)
    values = {name: np.zeros(variable.shape, np.float32) for name, variable in variables.items()}
    for name in list(values):
        if name.endswith(("Logits/weights", "Aux_logits/weights", "biases")):
            values[name] = np.zeros((*values[name].shape[:-1], 1001), np.float32)
    marked = "InceptionV4/Mixed_7d/Branch_2/Conv2d_0e_3x1/BatchNorm/beta"
    values[marked] = np.full(256, 3, np.float32)
    checkpoints.write_v1(tmp_path / "inception_v4.ckpt", values)
    heads = "InceptionV4/AuxLogits,InceptionV4/Logits"
    names = checkpoints.without_scopes(variables, heads)
    assert len(names) == 608 - 12  # both linear layers and the two convolutions of AuxLogits
    target = {name: tf.Variable(tf.ones(variables[name].shape)) for name in names}
    assert checkpoints.restore(str(tmp_path / "inception_v4.ckpt"), target) == []
    assert (target[marked].numpy() == 3).all()
