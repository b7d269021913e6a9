from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from slim_legacy import make_random_checkpoint, train_image_classifier
from slim_legacy.nets import nets_factory


def values(path):
    reader = tf.train.load_checkpoint(str(path))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    for version in ("1", "2"):
        words = [str(folder / f"v{version}.ckpt"), f"--checkpoint_version={version}"]
        assert make_random_checkpoint.main([*words, "--model_name=tiny"]) == 0
    return folder


def test_it_is_one_file_or_an_index_with_data(made):
    assert sorted(file.name for file in made.iterdir()) == [
        "v1.ckpt",
        "v2.ckpt.data-00000-of-00001",
        "v2.ckpt.index",
    ]


def test_both_formats_hold_the_networks_names_and_the_same_random_numbers(made):
    first, second = values(made / "v1.ckpt"), values(made / "v2.ckpt")
    assert set(first) == set(nets_factory.variables(nets_factory.build("tiny", 1001)))
    assert first["Tiny/Logits/Logits/weights"].shape == (16, 1001)
    assert first["Tiny/Logits/Logits/weights"].std() > 0
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ([], 2, "--checkpoint_exclude_scopes"),  # heads of 1001 classes do not fit
        (["--checkpoint_exclude_scopes=Tiny/AuxLogits,Tiny/Logits"], 0, "Fine-tuning from"),
        (["--checkpoint_exclude_scopes=Tiny/Con", "--ignore_missing_vars"], 2, "has shape"),
    ],
)
def test_it_is_fine_tuned_from_without_its_heads(
    words, status, message, made, records_dir, tmp_path, capsys
):
    more = [f"--dataset_dir={records_dir}", f"--train_dir={tmp_path}", "--dataset_name=auto"]
    more += ["--model_name=tiny", "--batch_size=2", "--max_number_of_steps=1"]
    assert (
        train_image_classifier.main([*more, f"--checkpoint_path={made / 'v1.ckpt'}", *words])
        == status
    )
    assert message in capsys.readouterr().err
