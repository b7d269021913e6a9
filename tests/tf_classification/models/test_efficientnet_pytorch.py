"""EfficientNet-PyTorch's weights give the same logits in Keras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.core.errors import FormatError, UserError
from tf_classification import import_pytorch_checkpoint
from tf_classification.models import bundle, torch_files

LABELS = {str(i): f"label {i}" for i in range(7)}
COPIES = Path(sys.prefix) / "share" / "efficientnet-pytorch"
# how each version pads
VERSIONS = {"0.7.0": "symmetric", "0.7.1": "same"}
SLOW = [f"efficientnet-b{i}" for i in range(1, 8)]


def reference(name, version, folder):
    """Have PyTorch write a checkpoint, an image and its logits into ``folder``."""
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    if not (COPIES / version).is_dir():
        pytest.skip(f"no efficientnet-pytorch {version} in {COPIES}; see README")
    script = Path(__file__).with_name("torch_reference.py")
    environment = os.environ | {"PYTHONPATH": str(COPIES / version)}
    subprocess.run(
        [sys.executable, script, name, folder], env=environment, check=True, capture_output=True
    )
    (folder / "index_to_name.json").write_text(json.dumps(LABELS))


def logits_in_keras(name, checkpoint, padding, image, network=None):
    from tf_classification.models import efficientnet_pytorch, networks

    weights = torch_files.read(checkpoint)
    assert efficientnet_pytorch.network_of(weights, checkpoint) == (name, 7)
    network = network or networks.build(name, 7, conv_padding=padding)
    efficientnet_pytorch.load(network, weights, checkpoint)
    return network(image, training=False).numpy()


@pytest.fixture(scope="module")
def b0(tmp_path_factory):
    folder = tmp_path_factory.mktemp("b0")
    reference("efficientnet-b0", "0.7.0", folder)
    return folder


@pytest.fixture(scope="module")
def network():
    from tf_classification.models import networks

    return networks.build("efficientnet-b0", 7, conv_padding="symmetric")


@pytest.mark.parametrize(
    ("name", "version"),
    [
        pytest.param("efficientnet-b0", "0.7.1", marks=pytest.mark.slow),
        *(pytest.param(name, v, marks=pytest.mark.slow) for name in SLOW for v in VERSIONS),
    ],
)
def test_the_logits_are_pytorchs(name, version, tmp_path):
    reference(name, version, tmp_path)
    found = np.load(tmp_path / "reference.npz")
    logits = logits_in_keras(name, tmp_path / "ckpt_7.pt", VERSIONS[version], found["image"])
    assert np.ptp(found["logits"]) > 0.1
    np.testing.assert_allclose(logits, found["logits"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("file", ["ckpt_7.pt", "compiled.pt"])
def test_a_checkpoint_and_a_torchscript_file_give_pytorchs_logits(b0, file, network):
    found = np.load(b0 / "reference.npz")
    network.set_weights([np.zeros(w.shape) for w in network.get_weights()])
    logits = logits_in_keras("efficientnet-b0", b0 / file, "symmetric", found["image"], network)
    np.testing.assert_allclose(logits, found["logits"], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_both_kinds_of_file_become_the_same_bundle(b0, tmp_path):
    spec = {"label 2": {"taxa": [{"level": "family", "name": "cervidae"}], "max_count": 5}}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    found = np.load(b0 / "reference.npz")
    for file in ("ckpt_7.pt", "compiled.pt"):
        argv = [str(b0 / file), str(b0 / "index_to_name.json"), str(tmp_path / "mega")]
        argv += ["--label-spec", str(tmp_path / "spec.json"), "--square-crops"]
        assert import_pytorch_checkpoint.main(argv) == 0
        written = bundle.read(tmp_path / "mega")
        described = written.description
        assert described.labels == tuple(LABELS.values())
        assert (described.network, described.conv_padding) == ("efficientnet-b0", "symmetric")
        assert described.image_size == 224
        assert described.crop_recipe == CropRecipe(Geometry.LEGACY_SQUARE)
        assert described.taxonomy == {"label 2": [{"level": "family", "name": "cervidae"}]}
        logits = written.network()(found["image"]).numpy()
        np.testing.assert_allclose(logits, found["logits"], rtol=0, atol=1e-4)
    assert written.version == 2


def test_the_wrong_padding_is_silently_wrong_which_is_why_the_bundle_keeps_it(b0):
    found = np.load(b0 / "reference.npz")
    wrong = logits_in_keras("efficientnet-b0", b0 / "ckpt_7.pt", "same", found["image"])
    assert np.abs(wrong - found["logits"]).max() > 1e-2


def test_a_label_index_of_another_length_is_refused(b0, tmp_path, capsys):
    (tmp_path / "index.json").write_text('{"0": "cat"}')
    argv = [str(b0 / "ckpt_7.pt"), str(tmp_path / "index.json"), str(tmp_path / "mega")]
    assert import_pytorch_checkpoint.main(argv) == 2
    assert "has 1 labels but" in capsys.readouterr().err
    assert not (tmp_path / "mega").exists()


def test_weights_of_another_kind_are_refused_by_name():
    from tf_classification.models import efficientnet_pytorch

    path = Path("resnet.pt")
    with pytest.raises(FormatError, match=r"not EfficientNet-PyTorch's; they are conv1\.weight"):
        efficientnet_pytorch.network_of({"conv1.weight": np.zeros((8, 3, 7, 7))}, path)
    odd = {
        "_blocks.0._bn0.bias": np.zeros(8),
        "_conv_head.weight": np.zeros((99, 8, 1, 1)),
        "_fc.weight": np.zeros((7, 99)),
    }
    with pytest.raises(FormatError, match="EfficientNet-Lite's: only B0 to B7 are taken"):
        efficientnet_pytorch.network_of(odd, path)
    odd["_blocks.0._se_reduce.bias"] = np.zeros(8)
    with pytest.raises(FormatError, match="1 blocks and 99 channels are none of"):
        efficientnet_pytorch.network_of(odd, path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"_bn0.bias": None}, "_bn0.bias: missing"),
        ({"_fc.bias": np.zeros(9)}, r"_fc.bias: has shape \(9,\) in Keras' order, expected \(7,\)"),
        ({"_extra.weight": np.zeros(1)}, "_extra.weight: is not a weight of"),
    ],
)
def test_every_weight_must_have_its_place(b0, change, reason, network):
    from tf_classification.models import efficientnet_pytorch

    weights = torch_files.read(b0 / "ckpt_7.pt") | change
    weights = {name: value for name, value in weights.items() if value is not None}
    with pytest.raises(UserError, match=reason):
        efficientnet_pytorch.load(network, weights, b0 / "ckpt_7.pt")
