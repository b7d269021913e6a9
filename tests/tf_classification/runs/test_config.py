"""A run's configuration: its rules, params.json and what a resumed run may change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from database_tools.core import taxa
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError, UserError
from database_tools.core.taxa import Taxon
from tf_classification.runs import config, network
from tf_classification.runs.config import TrainConfig

RECIPE = CropRecipe.of_2019(1.3)
TAXONOMY = {"deer": (Taxon("family", "cervidae"),), "hare": (Taxon("family", "leporidae"),)}
DIRS = {"dataset_dir": "base", "cropped_images_dir": "crops"}

# pipeline.md 8: the arguments of the original's main(), in its order
ORIGINAL_KEYS = [
    *("dataset_dir", "cropped_images_dir", "multilabel", "model_name", "pretrained", "finetune"),
    *("label_weighted", "weight_by_detection_conf", "epochs", "batch_size", "lr", "weight_decay"),
    *("num_workers", "logdir", "log_extreme_examples", "seed"),
]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"multilabel": True}, "--multilabel: several labels for one crop is not supported"),
        ({"model_name": "b0"}, "--model-name must be one of demo-cnn, "),
        ({"tfrecords": "dir"}, "give DATASET_DIR and CROPPED_IMAGES_DIR, or --tfrecords DIR"),
        ({"dataset_dir": None}, "give DATASET_DIR and CROPPED_IMAGES_DIR, or --tfrecords DIR"),
        ({"epochs": 0}, "--epochs must be at least 1, got 0"),
        ({"lr": 0.0}, "--lr must be above 0, got 0.0"),
        ({"finetune": -2}, "--finetune must be at least 0, got -2"),
        ({"sampling_power": 1.5}, "--sampling-power must be in [0, 1], got 1.5"),
        ({"sampling_power": 0.5, "label_weighted": True}, "--label-weighted means"),
        ({"crop_recipe": {"padding": 1}}, "crop_recipe: a crop recipe has geometry, padding"),
        ({"taxonomy": []}, "taxonomy: a taxonomy is an object of labels"),
        ({"ema": 1.0}, "--ema must be in [0, 1), got 1.0"),
        ({"warmup_epochs": 1.0}, "--warmup-epochs must be at least 0 and goes with"),
        ({"steps_per_call": 0}, "--steps-per-call must be at least 1, got 0"),
    ],
)
def test_an_impossible_choice_is_named(wrong, message):
    with pytest.raises(UserError) as error:
        TrainConfig(**DIRS | wrong)
    assert str(error.value).startswith(message)


def test_params_json_has_the_originals_keys_first_and_in_order(tmp_path):
    TrainConfig(**DIRS).write(tmp_path)
    keys = list(json.loads((tmp_path / "params.json").read_text()))
    assert keys[: len(ORIGINAL_KEYS)] == ORIGINAL_KEYS


def test_params_json_comes_back_as_it_was(tmp_path):
    stored = {"crop_recipe": RECIPE.as_json(), "taxonomy": taxa.as_json(TAXONOMY)}
    before = TrainConfig(**DIRS, pretrained="a.keras", finetune=-1, ema=0.99, seed=3, **stored)
    before.write(tmp_path)
    assert config.read(tmp_path / "params.json") == before


def test_the_network_of_a_run_knows_its_crops_and_the_taxa_of_its_labels():
    stored = {"crop_recipe": RECIPE.as_json(), "taxonomy": taxa.as_json(TAXONOMY)}
    described = network.describe(TrainConfig(**DIRS, **stored), ["deer", "fox"])
    assert described.crop_recipe == RECIPE
    assert described.taxonomy == {"deer": TAXONOMY["deer"]}
    bare = network.describe(TrainConfig(**DIRS), ["deer", "fox"])
    assert (bare.crop_recipe, bare.taxonomy) == (None, None)


def test_an_older_runs_padding_is_that_of_its_convolutions(tmp_path):
    text = '{"dataset_dir": "a", "cropped_images_dir": "b", "padding": "symmetric"}'
    (tmp_path / "params.json").write_text(text)
    assert config.read(tmp_path / "params.json").conv_padding == "symmetric"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"epoch": 3}', "epoch: is not a parameter of this version"),
        ("[]", "top level: expected an object"),
        ('{"dataset_dir": "a", "cropped_images_dir": "b", "epochs": 0}', "--epochs must be"),
        ('{"dataset_dir": "a", "cropped_images_dir": "b", "epochs": "x"}', "not supported"),
        ('{"dataset_dir": "a", "cropped_images_dir": "b", "ema": null}', "not supported"),
    ],
)
def test_a_broken_params_json_is_refused(tmp_path, text, message):
    (tmp_path / "params.json").write_text(text)
    with pytest.raises(FormatError, match=r"params\.json") as error:
        config.read(tmp_path / "params.json")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"batch_size": 256}, {"learning_rate": 0.016}),  # the original's default
        ({"batch_size": 64}, {"learning_rate": 0.004}),
        ({"lr": 0.1}, {"learning_rate": 0.1}),
        ({"label_weighted": True}, {"power": 1.0}),
        ({"sampling_power": 0.3}, {"power": 0.3}),
        ({"finetune": -1, "epochs": 7}, {"frozen_epochs": 7}),  # the bare flag
        ({"finetune": 2, "epochs": 7}, {"frozen_epochs": 2}),
        ({"model_name": "efficientnet-b3"}, {"size": 300, "optimizer_name": "rmsprop"}),
        ({"model_name": "resnet50", "image_size": 64}, {"size": 64, "optimizer_name": "sgd"}),
    ],
)
def test_what_follows_from_the_choices(choice, expected):
    made = TrainConfig(**DIRS | choice)
    assert {name: getattr(made, name) for name in expected} == expected


def test_a_resumed_run_keeps_its_choices_and_may_change_the_machine():
    begun = TrainConfig(**DIRS, lr=0.1, seed=5)
    assert begun.resumed({"lr": 0.1, "steps_per_call": 4}) == replace(begun, steps_per_call=4)


def test_a_resumed_run_may_have_moved_and_may_become_longer():
    begun = TrainConfig(**DIRS, epochs=3, weight_by_detection_conf="a.npz")
    said = {"dataset_dir": "/new/base", "weight_by_detection_conf": "b.npz", "epochs": 50}
    assert begun.resumed(said) == replace(begun, **said)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"epochs": 2}, "the run began with epochs 3, not 2"),
        ({"tfrecords": "records"}, "the run began with tfrecords None, not records"),
        ({"weight_by_detection_conf": True}, "with weight-by-detection-conf False, not True"),
        ({"seed": 1}, "the run began with seed 5, not 1"),
    ],
)
def test_what_would_change_the_result_is_refused(said, message):
    with pytest.raises(UserError, match=message):
        TrainConfig(**DIRS, epochs=3, seed=5).resumed(said)


def test_a_cosine_cannot_be_made_longer():
    begun = TrainConfig(**DIRS, epochs=3, lr_schedule="cosine")
    with pytest.raises(UserError, match="the rate of a cosine falls to 0 at its last epoch"):
        begun.resumed({"epochs": 4})


def test_paths_are_absolute_in_a_run_and_names_in_a_bundle(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    begun = TrainConfig("sets/base", "crops", pretrained="w/a.keras", logdir="logs")
    begun = replace(begun, labels=("a", "b"), dataset_sha256="12ab", picture_hashes="34cd")
    absolute = begun.absolute()
    assert absolute.dataset_dir == str(tmp_path / "sets/base")
    assert absolute.tfrecords is None
    assert absolute.weight_by_detection_conf is False
    portable = absolute.portable()
    assert str(tmp_path) not in json.dumps(portable)
    names = ("dataset_dir", "pretrained", "logdir", "dataset_sha256", "picture_hashes")
    assert [portable[name] for name in names] == ["base", "a.keras", "logs", "12ab", "34cd"]
    assert "labels" not in portable  # a bundle has them in their own place


def test_an_input_that_a_run_names_is_said_to_be_the_runs(tmp_path):
    config = TrainConfig(tfrecords=str(tmp_path / "gone"), pretrained="no.keras")
    with pytest.raises(UserError, match=r"--tfrecords .*gone, named by the run, is not here"):
        config.check_inputs(begun=True)
    with pytest.raises(UserError, match=r"--tfrecords .*gone: no such file or folder"):
        config.check_inputs()
    TrainConfig(tfrecords=str(tmp_path), pretrained="no.keras").check_inputs(begun=True)


def test_a_resumed_run_refuses_another_arithmetic():
    begun = TrainConfig(**DIRS, lr=0.1)
    with pytest.raises(UserError, match=r"the run began with lr 0\.1, not 0\.2"):
        begun.resumed({"lr": 0.2})
