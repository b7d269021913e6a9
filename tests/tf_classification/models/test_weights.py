"""Weights from files, with as many labels or others, and what is refused."""

from __future__ import annotations

import errno
import shutil

import keras
import numpy as np
import pytest

from database_tools.core.errors import UserError
from tf_classification.models import networks, weights


def demo(labels, seed=0):
    keras.utils.set_random_seed(seed)
    return networks.build("demo-cnn", labels, image_size=32)


def layer(model, name):
    return model.get_layer(name).get_weights()


@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras"])
def test_all_weights_come_from_a_file_with_the_same_labels(tmp_path, name):
    source, target = demo(5, seed=1), demo(5, seed=2)
    source.save_weights(tmp_path / name) if "weights" in name else source.save(tmp_path / name)
    taken = weights.load(target, tmp_path / name, "demo-cnn")
    assert taken.left == ()
    assert len(taken.layers) == 9  # 4 convolutions, 4 BatchNorms, the last layer
    for a, b in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras"])
def test_with_other_labels_the_body_is_taken_over_and_the_last_layer_is_named(tmp_path, name):
    source, target = demo(5, seed=1), demo(3, seed=2)
    own = layer(target, "predictions")
    source.save_weights(tmp_path / name) if "weights" in name else source.save(tmp_path / name)
    with pytest.raises(UserError, match=r"1 layers: predictions has \(96, 5\) and \(5,\), not"):
        weights.load(target, tmp_path / name, "demo-cnn")
    taken = weights.load(target, tmp_path / name, "demo-cnn", new_labels=True)
    assert str(taken) == "8 layers with weights taken over; random: predictions"
    np.testing.assert_array_equal(layer(target, "conv4"), layer(source, "conv4"))
    for before, after in zip(own, layer(target, "predictions"), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.slow
def test_weights_of_another_network_are_refused(tmp_path):
    demo(5).save_weights(tmp_path / "a.weights.h5")
    target = networks.build("mobilenetv3-small", 5, image_size=32)
    with pytest.raises(UserError, match="does not fit mobilenetv3-small"):
        weights.load(target, tmp_path / "a.weights.h5", "mobilenetv3-small")
    demo(5).save(tmp_path / "a.keras")
    with pytest.raises(
        UserError, match=r"does not fit mobilenetv3-small: \d+ layers: conv has no weights, not"
    ):
        weights.load(target, tmp_path / "a.keras", "mobilenetv3-small")


@pytest.mark.parametrize(
    ("donor", "target", "problem"),
    [
        ("small", "large", "2 layers: conv2 has no weights, not (3, 3, 4, 4); bn2 has no weights"),
        ("large", "small", "2 layers: conv2 has no place in it; bn2 has no place in it"),
    ],
)
def test_a_body_of_another_depth_is_refused_and_changes_nothing(tmp_path, donor, target, problem):
    """B0's layers are a part of B1's, and the other way round: they share all their names."""
    made = {"small": stack(1, seed=1), "large": stack(2, seed=2)}
    made[donor].save(tmp_path / "donor.keras")
    before = made[target].get_weights()
    with pytest.raises(UserError) as error:
        weights.load(made[target], tmp_path / "donor.keras", "demo-cnn", new_labels=True)
    assert problem in str(error.value)
    for a, b in zip(before, made[target].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def stack(depth, seed):
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((8, 8, 4))
    for i in range(1, depth + 1):
        x = keras.layers.Conv2D(4, 3, use_bias=False, name=f"conv{i}")(x)
        x = keras.layers.BatchNormalization(name=f"bn{i}")(x)
    last = keras.layers.Dense(2, name="predictions")
    return keras.Model(inputs, last(keras.layers.GlobalAveragePooling2D()(x)))


def test_a_file_that_would_leave_layers_random_is_refused(tmp_path):
    target = demo(5)
    inputs = keras.Input((32, 32, 3))
    first = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(first)
    keras.Model(inputs, keras.layers.Dense(5)(pooled)).save_weights(tmp_path / "a.weights.h5")
    before = target.get_weights()
    with pytest.raises(UserError, match="does not fit demo-cnn"):
        weights.load(target, tmp_path / "a.weights.h5", "demo-cnn")
    for a, b in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.keras", None, "no such file or folder"),
        ("a.pt", b"", "expected a model bundle, .keras or .weights.h5"),
        ("a.weights.h5", b"no HDF5", "does not fit demo-cnn"),
        ("a.keras", b"no zip", "does not fit demo-cnn"),
    ],
)
def test_what_is_no_file_with_weights_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        weights.load(demo(2), tmp_path / name, "demo-cnn")


@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras"])
@pytest.mark.parametrize("damage", ["nothing", "zeros", "noise", "half", "noise inside"])
def test_a_file_that_is_not_whole_is_one_line(tmp_path, name, damage):
    path = tmp_path / name
    model = demo(3)
    model.save(path) if name.endswith(".keras") else weights.save(model, path)
    whole = path.read_bytes()
    noise = np.random.default_rng(0).bytes(len(whole))
    broken = {
        "nothing": b"",
        "zeros": bytes(len(whole)),
        "noise": noise,
        "half": whole[: len(whole) // 2],
        "noise inside": whole[:64] + noise[64:20_000] + whole[20_000:],
    }
    path.write_bytes(broken[damage])
    with pytest.raises(UserError, match=f"{name}: does not fit demo-cnn: ."):
        weights.load(demo(3), path, "demo-cnn")


def test_imagenet_without_network_says_what_to_fetch_and_where_to_put_it(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise Exception(
            "URL fetch failure on https://a.org/efficientnetb0_notop.h5: None -- no net"
        )

    monkeypatch.setattr(keras.applications, "EfficientNetB0", offline)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(UserError) as error:
        weights.load_imagenet(demo(2), "efficientnet-b0")
    assert "get https://a.org/efficientnetb0_notop.h5 and put it here as" in str(error.value)
    assert f"{tmp_path}/models/efficientnetb0_notop.h5" in str(error.value)


def test_there_are_no_imagenet_weights_of_the_demo_network():
    with pytest.raises(UserError, match="no ImageNet weights of demo-cnn; give a PATH"):
        weights.load_imagenet(demo(2), "demo-cnn")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet-b0", "resnet50"])
def test_imagenet_weights_give_the_features_of_keras_applications(monkeypatch, name):
    """With weights drawn at random, since ImageNet's are not at hand here."""
    body = networks.NETWORKS[name].body
    original = getattr(keras.applications, body)
    donor = original(weights=None, include_top=False)
    if name == "efficientnet-b0":  # what the weights file has, as Keras' loader sets it
        mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        scale = next(x for x in donor.layers if isinstance(x, keras.layers.Normalization))
        scale.set_weights([mean, std**2, np.array(1)])
        scale.finalize_state()
    monkeypatch.setattr(
        keras.applications,
        body,
        lambda weights, **more: donor if weights else original(weights=weights, **more),
    )
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")
    expected = donor(
        keras.applications.resnet.preprocess_input(pixels.copy()) if name == "resnet50" else pixels
    ).numpy()
    target = networks.build(name, 3, image_size=64)
    assert weights.load_imagenet(target, name).left == ("predictions",)
    features = keras.Model(target.input, target.get_layer("avg_pool").input)
    np.testing.assert_allclose(
        features(pixels), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max()
    )


def test_a_disk_without_room_is_noticed_before_writing(tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path)._replace(free=300_000)  # the network has 80,000 parameters
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(UserError, match=r"cannot write .* bytes are needed on the disk"):
        weights.save(demo(8), tmp_path / "a.weights.h5")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_and_leaves_the_old_weights(tmp_path, monkeypatch):
    model = demo(2)
    weights.save(model, tmp_path / "a.weights.h5")
    before = (tmp_path / "a.weights.h5").read_bytes()

    def full(path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model, "save_weights", full)
    with pytest.raises(UserError, match=r"cannot write .*a\.weights\.h5: no space left on device"):
        weights.save(model, tmp_path / "a.weights.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["a.weights.h5"]
    assert (tmp_path / "a.weights.h5").read_bytes() == before
