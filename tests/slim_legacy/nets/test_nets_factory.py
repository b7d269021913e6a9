from __future__ import annotations

import pytest

from database_tools.core.errors import UserError
from slim_legacy.nets import nets_factory
from slim_legacy.nets.layers import TooSmall, _output


def test_an_unknown_network_is_the_users_error():
    with pytest.raises(UserError, match="Name of network unknown inception_v3"):
        nets_factory.get("inception_v3")


@pytest.mark.parametrize(
    ("name", "regularised"),
    [
        ("InceptionV4/Logits/Logits/weights", True),
        ("InceptionV4/Logits/Logits/biases", False),
        ("InceptionV4/Conv2d_1a_3x3/BatchNorm/beta", False),
        ("MobilenetV2/Conv1/kernel", True),
        ("MobilenetV2/block_1_depthwise/kernel", False),
    ],
)
def test_weight_decay_acts_on_kernels_alone(name, regularised):
    assert nets_factory.is_regularised(name) is regularised


@pytest.mark.parametrize(
    ("side", "window", "stride", "padding", "wanted"),
    [
        (299, 3, 2, "VALID", 149),
        (149, 3, 1, "VALID", 147),
        (147, 3, 1, "SAME", 147),
        (35, 3, 2, "SAME", 18),
        (17, 5, 3, "VALID", 5),
        (3, 3, 1, "VALID", 1),
    ],
)
def test_sizes_of_maps(side, window, stride, padding, wanted):
    found = _output((side, side, 7), (window, window), stride, padding, 9)
    assert found == (wanted, wanted, 9)


def test_a_window_larger_than_the_map_is_named():
    with pytest.raises(TooSmall, match="2x9 meets a window of 3x3"):
        _output((2, 9, 1), (3, 3), 1, "VALID", 1)


def test_mobilenet_has_its_scope_one_head_and_the_width_of_the_slim_network():
    network = nets_factory.build("mobilenet_v2_140", 7, image_size=32)
    variables = nets_factory.variables(network)
    assert all(name.startswith("MobilenetV2/") for name in variables)
    heads = [name for name in variables if name.startswith("MobilenetV2/Logits")]
    assert heads == ["MobilenetV2/Logits/Logits/weights", "MobilenetV2/Logits/Logits/biases"]
    assert variables[heads[0]].shape == (1792, 7)  # 1280 * 1.4
