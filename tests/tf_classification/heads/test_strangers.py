"""A threshold that known animals rarely exceed, and strangers beyond it."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.heads import folds, strangers
from tf_classification.heads.folds import Learner, Lesson


def lesson(number, seed, locations=6):
    """Points around three of ten axes."""
    draw = np.random.default_rng(seed)
    labels = np.arange(number) % 3
    features = draw.normal(0, 0.2, (number, 1, 10)) + 3 * np.eye(10)[labels][:, None]
    places = np.arange(number) // 3 % locations
    return Lesson(features.astype(np.float32), labels, places, np.ones(number), 3)


def learn(case, val, false_alarms):
    head = Learner(case, 0).head(1.0)
    return head, strangers.learn(case, head, 1.0, val, false_alarms, 0)


@pytest.mark.parametrize(("number", "share", "above"), [(19, 0.05, 0), (39, 0.05, 1), (9, 0.3, 2)])
def test_the_share_of_val_beyond_the_threshold_is_what_was_asked_for(number, share, above):
    """Of n + 1 crops alike: 1 of 20, 2 of 40 and 3 of 10 less the next one."""
    val = lesson(number, 1).features.mean(axis=1)
    head, found = learn(lesson(60, 0), val, share)
    assert (found.beyond(val, head.logits(val)) > 0).sum() == above


def test_too_few_crops_tell_nothing(caplog):
    _, found = learn(lesson(60, 0), lesson(18, 1).features.mean(axis=1), 0.05)
    assert found is None
    assert "18 crops are too few" in caplog.text


def test_without_val_folds_of_locations_choose(monkeypatch):
    asked = []
    shape = strangers.shape
    monkeypatch.setattr(strangers, "shape", lambda x, y: asked.append(len(x)) or shape(x, y))
    case = lesson(120, 0)
    head, found = learn(case, np.zeros((0, 10), np.float32), 0.1)
    assert asked[0] == 120
    parts = list(folds.folds(case.labels, case.locations, 0))
    assert asked[1:] == [len(seen) for seen, _ in parts]
    others = lesson(300, 5).features.mean(axis=1)
    assert (found.beyond(others, head.logits(others)) > 0).mean() < 0.2
    strange = (lesson(300, 6).features + 4 * np.eye(10, dtype=np.float32)[5]).mean(axis=1)
    assert (found.beyond(strange, head.logits(strange)) > 0).all()


def test_crops_of_a_label_that_are_all_the_same_have_a_shape():
    features = np.repeat(np.eye(10, dtype=np.float32)[:3], 5, axis=0)
    found = strangers.shape(features, np.repeat(np.arange(3), 5))
    assert np.isfinite(found.squares(features)).all()
    np.testing.assert_allclose(found.squares(features), 0, atol=1e-6)
