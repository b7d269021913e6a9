"""Folds of locations, samples by label, and what a head is, by hand-made points."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tf_classification.heads import folds
from tf_classification.heads import head as heads
from tf_classification.heads.folds import Lesson
from tf_classification.heads.head import Basis, Head


def lesson(number=60, views=1, seed=0):
    """Points of three labels on three axes, at six locations."""
    draw = np.random.default_rng(seed)
    labels = np.arange(number) % 3
    features = draw.normal(0, 0.3, (number, views, 5)) + np.eye(5)[labels][:, None] + 7
    locations = np.arange(number) // 3 % 6
    return Lesson(features.astype(np.float32), labels, locations, np.ones(number), 3)


def test_no_fold_shares_a_location():
    case = lesson()
    rows = []
    for seen, unseen in folds.folds(case.labels, case.locations, 1):
        assert not set(case.locations[seen]) & set(case.locations[unseen])
        rows += unseen.tolist()
    assert sorted(rows) == list(range(60))


def test_crops_of_one_location_are_dealt_one_by_one(caplog):
    case = lesson(9)
    found = list(folds.folds(case.labels, np.zeros(9, int), 1))
    assert sorted(row for _, unseen in found for row in unseen) == list(range(9))
    assert "too few locations" in caplog.text


def test_a_label_at_one_location_is_not_asked_of_heads_that_never_saw_it():
    case = lesson()
    case.labels[case.locations == 2] = 0
    case.labels[:1] = 1
    only = np.flatnonzero(case.labels == 2)
    case.locations[only] = 5
    said, fair = folds.out_of_fold(case, [1.0], 0)
    assert not fair[only].any()
    assert fair[case.labels != 2].all()
    assert said[1.0].shape == (60, 3)
    learnt = folds.learn(case, 0)
    assert set(only) & set(learnt.rows) == set()


def test_what_is_learnt_is_right_of_other_points_and_of_the_mean_of_views():
    learnt = folds.learn(lesson(views=2), 3)
    other = lesson(30, views=2, seed=9)
    assert (learnt.head.logits(other.features).argmax(axis=1) == other.labels).mean() > 0.9
    mean = learnt.head.logits(other.features.mean(axis=1))
    np.testing.assert_allclose(learnt.head.logits(other.features), mean, atol=1e-5)


def test_a_basis_changes_nothing_that_is_said():
    features = lesson().features[:, 0]
    basis = Basis.of(features, 0)
    points = basis.points(features)
    assert np.mean(points**2) == pytest.approx(1, rel=0.05)
    draw = np.random.default_rng(1)
    head = Head(draw.normal(size=(5, 3)).astype(np.float32), np.float32([1, 2, 3]))
    np.testing.assert_allclose(basis.fold(head).logits(features), head.logits(points), atol=1e-4)


def test_a_thousand_labels_are_learnt(monkeypatch):
    monkeypatch.setattr(folds, "STRENGTHS", (1.0,))
    monkeypatch.setattr(heads, "_ITERATIONS", 30)
    draw = np.random.default_rng(4)
    labels, centres = np.repeat(np.arange(1000), 2), draw.normal(0, 3, (1000, 24))
    features = (centres[labels] + draw.normal(0, 0.3, (2000, 24)))[:, None].astype(np.float32)
    case = Lesson(features, labels, np.arange(2000) % 2, np.ones(2000), 1000)
    with warnings.catch_warnings():  # thirty steps are no end, but enough
        warnings.simplefilter("ignore")
        learnt = folds.learn(case, 0)
    assert learnt.logits.shape == (2000, 1000)  # every label is at both locations
    said = learnt.logits.argmax(axis=1) == labels[learnt.rows]
    assert said.mean() > 0.9
    assert (learnt.head.logits(centres).argmax(axis=1) == np.arange(1000)).mean() > 0.9


def test_labels_weigh_the_same_and_weights_count():
    points = np.array([[1.0], [1.0], [1.0], [-1.0]])
    labels = np.array([0, 0, 0, 1])
    alike = heads.fit(points, labels, np.array([1.0, 1, 1, 3]), 2, 1.0)
    np.testing.assert_allclose(alike.bias, [0, 0], atol=1e-3)  # as likely where nothing tells
    more = heads.fit(points, labels, np.array([1.0, 1, 1, 1]), 2, 1.0)
    assert more.bias[0] > more.bias[1]


def test_a_label_that_nothing_was_learnt_of_is_never_answered():
    head = heads.fit(np.array([[1.0], [-1.0]]), np.array([2, 0]), np.ones(2), 4, 1.0)
    said = head.logits(np.linspace(-9, 9, 7)[:, None])
    assert set(said.argmax(axis=1)) == {0, 2}


@pytest.mark.parametrize(
    ("counts", "most", "each"),
    [
        ([100, 100], 1000, 100),  # all fit
        ([100, 100], 50, 25),
        ([100, 10, 2], 52, 40),  # 40 + 10 + 2
        ([5, 5, 5], 1, 1),  # one of each is the least
    ],
)
def test_a_sample_has_rare_labels_whole(counts, most, each):
    labels = np.repeat(np.arange(len(counts)), counts)
    assert folds.largest_share(np.array(counts), most) == each
    rows = folds.sample(labels, most, 0)
    assert np.bincount(labels[rows]).tolist() == [min(count, each) for count in counts]
    assert (rows == np.sort(rows)).all()
    assert (folds.sample(labels, most, 0) == rows).all()


def test_the_usual_strength_stays_unless_another_is_better_at_several_locations():
    case = lesson(30)
    right, unsure = 9 * np.eye(3)[case.labels], 0.01 * np.eye(3)[case.labels]
    wrong = np.roll(right, 1, axis=1)
    # the temperature makes the first two alike
    assert folds._best({1.0: right, 0.1: unsure}, case) == 1.0
    assert folds._best({1.0: wrong, 10.0: right}, case) == 10.0
    at_one = np.where(case.locations[:, None] == 2, wrong, right)  # five crops of thirty
    assert folds._best({1.0: at_one, 10.0: right}, case) == 1.0
