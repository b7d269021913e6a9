"""Heads that saw nothing of the location that they are asked about, and the likest crops."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.embeddings import index
from tf_classification.heads import folds, held_out, nearest
from tf_classification.heads.held_out import Crops
from tf_classification.heads.nearest import Known


@pytest.fixture(scope="module")
def found(embedded):
    return index.open(embedded)


@pytest.fixture(scope="module")
def crops(found):
    """All 90 crops of six locations; the label is told by the number of the crop."""
    rows = np.arange(len(found))
    numbers = [int(str(name).rpartition("/")[2][:-4]) for name in found.crops.names]
    return Crops(rows, np.array(numbers) % 3, found.crops.locations, 3)


def test_a_crop_is_asked_of_heads_that_did_not_see_its_location(found, crops, monkeypatch):
    seen = []
    monkeypatch.setattr(folds, "MOST_TO_CHOOSE", 30)  # then the others are asked afterwards
    learner = held_out.Learner

    def noted(lesson, seed):
        seen.append(set(lesson.locations.tolist()))
        return learner(lesson, seed)

    monkeypatch.setattr(held_out, "Learner", noted)
    logs, fair = held_out.log_probabilities(found, crops, 0)
    assert fair.all()
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, atol=1e-5)
    assert (logs.argmax(axis=1) == crops.labels).mean() > 0.9
    parts = list(folds.folds(crops.labels, crops.locations, 0))
    assert [set(crops.locations[rows]) for rows, _ in parts] == seen
    few, _ = held_out.log_probabilities(found, crops, 0)
    assert (few == logs).all()


def test_few_crops_are_asked_while_the_strength_is_chosen(found, crops):
    logs, fair = held_out.log_probabilities(found, crops, 0)
    assert fair.all()
    assert (logs.argmax(axis=1) == crops.labels).mean() > 0.9


def test_the_likest_crops_are_of_other_locations(found, crops, monkeypatch):
    monkeypatch.setattr(index, "SIZE", 8)  # so that there are several batches
    known = Known(crops.rows, ["a"] * 90, crops.locations)
    asked = np.array([3, 50])
    near = nearest.nearest(found, crops.rows[asked], crops.locations[asked], known)
    features = found.features(crops.rows).mean(axis=1)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    likeness = unit[asked] @ unit.T
    likeness[crops.locations[asked][:, None] == crops.locations] = -1
    assert near.tolist() == np.argsort(-likeness, kind="stable")[:, : nearest.EACH].tolist()
    own = Known(crops.rows[:15], ["a"] * 15, np.zeros(15, int))
    none = nearest.nearest(found, crops.rows[:1], np.zeros(1, int), own)
    assert (none == -1).all()
