"""A general classifier judged by a bespoke one's labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from database_tools.core.errors import FormatError
from database_tools.formats import target_mapping_json

CLASSIFIER = ("canis_spp", "car", "cat", "elk", "fox")
DATASET = ("canid", "cervid")


def read(tmp_path, table, dataset=DATASET):
    (tmp_path / "map.json").write_text(json.dumps(table))
    return target_mapping_json.read(tmp_path / "map.json", CLASSIFIER, dataset)


def test_other_comes_last_wherever_the_file_has_it(tmp_path):
    found = read(
        tmp_path, {"other": ["cat", "car"], "cervid": ["elk"], "canid": ["fox", "canis_spp"]}
    )
    assert found.targets == ("canid", "cervid", "other")
    assert found.groups == ((0, 4), (3,), (1, 2))


def test_a_datasets_own_other_keeps_its_place(tmp_path):
    table = {"other": ["cat", "car", "elk"], "canid": ["fox", "canis_spp"]}
    assert read(tmp_path, table, ("canid", "other")).targets == ("canid", "other")
    assert read(tmp_path, table, ("other", "canid")).targets == ("other", "canid")


def test_softmax_of_mapped_logits_is_the_sum_of_probabilities(tmp_path):
    found = read(
        tmp_path, {"canid": ["fox", "canis_spp"], "cervid": [], "other": ["cat", "car", "elk"]}
    )
    logits = np.array([[1, 2, 3, 4, 5], [500, -500, 0, 1, 499.5]], np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    mapped = np.exp(found.logits(logits).astype(np.float64) - logits.max(axis=1, keepdims=True))
    mapped /= mapped.sum(axis=1, keepdims=True)
    assert mapped[:, 0] == pytest.approx(p[:, 0] + p[:, 4], rel=1e-6)
    assert mapped[:, 1].tolist() == [0, 0]  # never predicted
    assert mapped[:, 2] == pytest.approx(p[:, 1:4].sum(axis=1), rel=1e-6)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], "top level: expected an object"),
        ({"canid": "fox"}, "top level: expected an object"),
        ({"canid": [], "cervid": [], "felid": []}, '"felid": the dataset has no such label'),
        ({"canid": [], "other": []}, '"cervid": the dataset\'s label has no entry'),
        ({"canid": ["wolf"], "cervid": []}, "\"canid\": the classifier has no label 'wolf'"),
        ({"canid": ["fox"], "cervid": ["fox"]}, "\"cervid\": the label 'fox' is in 'canid' too"),
        ({"canid": ["fox"], "cervid": ["elk"]}, "label 'canis_spp' is in no target; put it in"),
    ],
)
def test_a_mapping_that_breaks_a_rule_is_named(tmp_path, table, message):
    with pytest.raises(FormatError) as error:
        read(tmp_path, table)
    assert message in str(error.value)
