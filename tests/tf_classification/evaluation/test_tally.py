"""Figures from sums, by hand, against scikit-learn, and the same in one batch or many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from database_tools.core import weights
from tf_classification.evaluation import metrics, tally
from tf_classification.evaluation.tally import Tally


def examples(seed, number=200, num_labels=6):
    rng = np.random.default_rng(seed)
    labels = rng.integers(num_labels - 1, size=number)  # the last label never occurs
    logits = rng.normal(size=(number, num_labels)) + 1.5 * np.eye(num_labels)[labels]
    return logits.astype(np.float32), labels


def sums(logits, labels):
    found = Tally.empty(logits.shape[1])
    found.add(logits, labels)
    return found


def test_scores_are_those_computed_by_hand():
    # label 0: 3 of 4 right; label 1: 1 of 1; label 2 has no example
    found = Tally(
        np.array([[3.0, 1, 0], [0, 1, 0], [0, 0, 0]]),
        loss=np.array([2.0, 1.0, 0.0]),
        top3=np.array([4.0, 1.0, 0.0]),
    )
    scores = found.scores()
    assert scores["loss"] == pytest.approx(3 / 5)
    assert scores["acc_top1"] == pytest.approx(80)
    assert scores["acc_top3"] == pytest.approx(100)
    assert scores["loss_weighted"] == pytest.approx((2 / 4 + 1 / 1) / 2)
    assert scores["acc_weighted_top1"] == pytest.approx(100 * (0.75 + 1) / 2)
    np.testing.assert_array_equal(found.recalls, [0.75, 1, np.nan])


def test_without_examples_scores_are_nan():
    assert all(math.isnan(value) for value in Tally.empty(2).scores().values())


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed):
    logits, labels = examples(seed)
    found, row = sums(logits, labels), sums(logits, labels).scores()
    matrix = sklearn_metrics.confusion_matrix(labels, logits.argmax(axis=1), labels=np.arange(6))
    assert np.array_equal(found.confusion, matrix)
    same = weights.balance(labels, np.ones(len(labels)))
    for name, weight in (("", None), ("weighted_", same)):
        for k in (1, 3):
            expected = sklearn_metrics.top_k_accuracy_score(
                labels, logits, k=k, sample_weight=weight, labels=np.arange(6)
            )
            assert row[f"acc_{name}top{k}"] == pytest.approx(100 * expected)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = -np.log(probabilities[np.arange(len(labels)), labels])
    assert row["loss"] == pytest.approx(own.mean())
    assert row["loss_weighted"] == pytest.approx(np.average(own, weights=same))
    balanced = metrics.balanced_accuracy(metrics.counts(found.confusion))
    assert row["acc_weighted_top1"] == pytest.approx(100 * balanced)


@given(st.integers(0, 2**32 - 1), st.integers(1, 199))
def test_batches_add_up_to_the_whole(seed, cut):
    logits, labels = examples(seed)
    whole, parts = sums(logits, labels), Tally.empty(6)
    for rows in (slice(cut), slice(cut, None)):
        parts.add(logits[rows], labels[rows])
    assert np.array_equal(whole.confusion, parts.confusion)
    assert parts.scores() == pytest.approx(whole.scores())


def test_of_equal_scores_the_lower_label_comes_first():
    scores = np.array([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.2, 0.3, 0.5]])
    assert tally.ranks(scores, np.array([0, 1, 1])).tolist() == [0, 1, 1]


def test_labels_too_unlikely_for_a_probability_keep_their_order_and_their_loss():
    # softmax in float32 makes 0 of all but the first, and the last would be second of equals
    logits = np.array([[900, 0, 1, 2, 3]], np.float32)
    assert tally.ranks(logits, np.array([1])).tolist() == [4]
    assert tally.losses(logits, np.array([1])).tolist() == [900]
    assert sums(logits, np.array([1])).scores()["acc_top3"] == 0


def test_an_impossible_label_does_not_make_the_loss_infinite():
    impossible = np.array([[0, -np.inf]])
    assert 87 < tally.losses(impossible, np.array([1]))[0] < 88  # -log(1.18e-38)


def test_two_labels_are_always_in_the_top_three():
    scores = sums(np.log([[0.9, 0.1]]), np.array([1])).scores()
    loss = -np.log(0.1)
    assert scores == pytest.approx(
        {
            "loss": loss,
            "loss_weighted": loss,
            "acc_top1": 0,
            "acc_top3": 100,
            "acc_weighted_top1": 0,
            "acc_weighted_top3": 100,
        }
    )
