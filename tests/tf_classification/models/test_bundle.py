"""The model bundle: written whole, read back the same, refused when it lies."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.core.taxa import Taxon
from database_tools.durable import files
from tf_classification.models import bundle, description
from tf_classification.models.calibration import Calibration
from tf_classification.models.description import RESIZE_SLIM, Description

DEMO = Description(
    labels=("fox", "deer", "red fox"),  # not in alphabetical order, on purpose
    network="demo-cnn",
    image_size=32,
    crop_recipe=CropRecipe.of_2019(1.3),
    calibration=Calibration(1.5),
    thresholds={"deer": 0.8, "red fox": None},
    taxonomy={"deer": (Taxon("family", "cervidae", (("class", "mammalia"),)),)},
    parameters={"seed": 1, "lr": 0.016},
)


@pytest.fixture(scope="module")
def network():
    from tf_classification.models import networks

    return networks.build("demo-cnn", 3, image_size=32)


@pytest.fixture(scope="module")
def written(network, tmp_path_factory):
    return bundle.write(tmp_path_factory.mktemp("models") / "demo", network, DEMO)


@pytest.fixture
def copied(written, tmp_path):
    shutil.copytree(written.base, tmp_path / "demo")
    return tmp_path / "demo" / "1"


def change_description(folder, **changes):
    """Edit bundle.json as someone who also mends its own fingerprint."""
    path = folder / bundle.DESCRIPTION
    table = json.loads(path.read_text()) | changes
    table["fingerprints"]["description"] = description.fingerprint(table)
    path.write_text(json.dumps(table))


def test_a_bundle_is_read_back_from_its_base_or_its_version(written):
    assert bundle.read(written.base) == bundle.read(written.path) == written
    assert written.description == DEMO
    assert written.version == 1
    assert (written.path / "saved_model.pb").is_file()
    assert bundle.is_bundle(written.base)
    assert bundle.is_bundle(written.path)
    assert not bundle.is_bundle(written.path / "variables")


def test_a_link_to_a_bundle_gives_it_its_name(written, tmp_path):
    (tmp_path / "linked").symlink_to(written.base)
    assert bundle.read(tmp_path / "linked").base.name == "linked"
    assert bundle.read(tmp_path / "linked" / "1" / ".." / "1").version == 1


def test_the_network_of_a_bundle_has_its_weights(written, network):
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    again = bundle.read(written.base).network()
    np.testing.assert_allclose(again(images), network(images), rtol=0, atol=1e-6)


def test_the_next_version_is_the_next_number_and_the_newest_is_read(copied, network):
    # what a killed process left whose numbers are those of this one
    (files.neighbour(copied.parent / "version") / "variables").mkdir(parents=True)
    second = bundle.write(copied.parent, network, replace(DEMO, thresholds={}))
    assert second.path.name == "2"
    assert bundle.read(copied.parent).version == 2
    assert sorted(p.name for p in copied.parent.iterdir()) == ["1", "2"]


def test_the_same_model_is_described_by_the_same_bytes(copied, network):
    again = bundle.write(copied.parent, network, DEMO)
    texts = [json.loads((f / bundle.DESCRIPTION).read_text()) for f in (copied, again.path)]
    prints = [table.pop("fingerprints") for table in texts]
    assert texts[0] == texts[1]
    assert prints[0]["description"] == prints[1]["description"]
    assert prints[0][bundle.WEIGHTS] == prints[1][bundle.WEIGHTS]


def test_a_failed_write_leaves_nothing(tmp_path, network, monkeypatch):
    from tf_classification.models import signatures

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(signatures, "save", full)
    with pytest.raises(OSError, match="No space"):
        bundle.write(tmp_path / "demo", network, DEMO)
    assert list((tmp_path / "demo").iterdir()) == []


def test_weights_of_another_network_are_refused_when_writing(tmp_path, network):
    with pytest.raises(ValueError, match="shape"):
        bundle.write(
            tmp_path / "demo",
            network,
            replace(DEMO, labels=("a", "b"), thresholds={}, taxonomy=None),
        )


@pytest.mark.parametrize("name", [bundle.WEIGHTS, bundle.SAVED_MODEL, "variables/variables.index"])
def test_a_changed_file_is_refused_by_name(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} was changed after the bundle was written"):
        bundle.read(copied)


def test_a_missing_or_an_added_file_is_refused(copied):
    (copied / "assets.extra" / "labels.txt").write_text("cat")
    with pytest.raises(UserError, match=r"labels.txt was not there when"):
        bundle.read(copied)
    (copied / "assets.extra" / "labels.txt").unlink()
    (copied / bundle.WEIGHTS).unlink()
    with pytest.raises(UserError, match=r"model.weights.h5 is missing"):
        bundle.read(copied)


def test_an_edited_description_is_refused(copied):
    path = copied / bundle.DESCRIPTION
    path.write_text(path.read_text().replace('"fox"', '"cat"', 1))
    with pytest.raises(UserError, match="the description was changed after"):
        bundle.read(copied)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": ["fox", "deer", "deer"]}, "labels must be text, each once"),
        ({"labels": ["fox", "deer"], "thresholds": {}}, "num_labels: 3 but there are 2 labels"),
        ({"image_size": -1}, "image_size must be a positive whole number"),
        ({"image_size": "32"}, "image_size must be a positive whole number"),
        ({"conv_padding": "reflect"}, "conv_padding must be one of same, symmetric"),
        ({"views": 3}, "views must be 1 or 2"),
        ({"resize": "squeeze"}, "resize must be"),
        ({"crop_recipe": {"padding": 1}}, "a crop recipe has geometry, padding"),
        ({"crop_recipe": CropRecipe().as_json() | {"padding": 0.5}}, "at least 1, got 0.5"),
        ({"taxonomy": {"fox": [{"level": "genus"}]}}, "a taxon has level and name"),
        ({"calibration": {"temperature": -1, "curves": None}}, "temperature must be above 0"),
        ({"thresholds": {"cat": 0.5}}, "thresholds must be of labels"),
        ({"taxonomy": {"cat": []}}, "taxonomy must be of labels"),
        ({"format": 2}, "bundles of format 1"),
        ({"parameters": None}, "the description"),
    ],
)
def test_an_impossible_description_is_refused_with_the_rule(copied, changes, reason):
    change_description(copied, **changes)
    with pytest.raises(UserError, match=reason):
        bundle.read(copied)


def test_an_older_bundle_has_padding_of_convolutions_and_no_recipe(copied):
    path = copied / bundle.DESCRIPTION
    table = json.loads(path.read_text())
    for name in ("conv_padding", "crop_recipe", "resize"):
        del table[name]
    path.write_text(json.dumps(table))
    change_description(
        copied, padding="symmetric", crop_policy={"square": True, "resize": RESIZE_SLIM}
    )
    read = bundle.read(copied).description
    assert read.conv_padding == "symmetric"
    assert read.resize == RESIZE_SLIM
    assert read.crop_recipe is None


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a model bundle"):
        bundle.read(tmp_path)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["fox", "deer"], "has 2 labels but the model .* has 3"),
        (["deer", "fox", "red fox"], "label 0 is 'deer' but the model .* has 'fox' there"),
    ],
)
def test_labels_from_elsewhere_must_be_the_models(written, labels, reason):
    written.check_labels(DEMO.labels, "index.json")
    with pytest.raises(UserError, match=reason):
        written.check_labels(labels, "index.json")
