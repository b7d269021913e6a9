"""Figures by hand, against scikit-learn, and the same in one batch or many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from database_tools.core import weights
from tf_classification.evaluation import metrics

# worked example 12 of the specification
CONFUSION = np.array([[5, 1, 0], [2, 3, 0], [0, 0, 0]])


def examples(seed, number=200, num_labels=6):
    rng = np.random.default_rng(seed)
    labels = rng.integers(num_labels - 1, size=number)  # the last label never occurs
    logits = rng.normal(size=(number, num_labels)) + 1.5 * np.eye(num_labels)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32), labels, rng.uniform(0.1, 3, number)


def test_worked_example_has_the_specified_precision_and_recall():
    counts = metrics.counts(CONFUSION)
    assert metrics.precision(counts).tolist() == [0.7142857142857143, 0.75, 0.0]
    assert metrics.recall(counts)[:2].tolist() == [0.8333333333333334, 0.6]
    assert np.isnan(metrics.recall(counts)[2])  # no such example: not known, rather than 0


def test_balanced_accuracy_and_macro_f1_leave_out_a_label_without_examples():
    counts = metrics.counts(CONFUSION)
    assert metrics.accuracy(counts) == 8 / 11
    assert metrics.balanced_accuracy(counts) == pytest.approx((5 / 6 + 3 / 5) / 2)
    assert metrics.macro_f1(counts) == pytest.approx((2 * 5 / 13 + 2 * 3 / 9) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed):
    probabilities, labels, weights = examples(seed)
    predicted, occurring = probabilities.argmax(axis=1), np.unique(labels)
    tally = metrics.Tally(6)
    tally.add(probabilities, labels, weights)
    counts, row = metrics.counts(tally.confusion), tally.overall()
    same = {"labels": occurring, "average": None, "zero_division": 0}
    assert np.array_equal(
        tally.confusion, sklearn_metrics.confusion_matrix(labels, predicted, labels=np.arange(6))
    )
    assert metrics.precision(counts)[occurring] == pytest.approx(
        sklearn_metrics.precision_score(labels, predicted, **same)
    )
    assert metrics.recall(counts)[occurring] == pytest.approx(
        sklearn_metrics.recall_score(labels, predicted, **same)
    )
    assert metrics.macro_f1(counts) == pytest.approx(
        sklearn_metrics.f1_score(labels, predicted, labels=occurring, average="macro")
    )
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = sklearn_metrics.balanced_accuracy_score(labels, predicted)
    assert metrics.balanced_accuracy(counts) == pytest.approx(expected)
    for name, weight in (("", None), ("weighted_", weights)):
        for k in (1, 3):
            expected = sklearn_metrics.top_k_accuracy_score(
                labels, probabilities, k=k, sample_weight=weight, labels=np.arange(6)
            )
            assert row[f"acc_{name}top{k}"] == pytest.approx(100 * expected)
    own = -np.log(probabilities[np.arange(len(labels)), labels].astype(np.float64))
    assert row["loss"] == pytest.approx(own.mean())
    assert row["loss_weighted"] == pytest.approx(np.average(own, weights=weights))


@given(st.integers(0, 2**32 - 1), st.integers(1, 199))
def test_batches_add_up_to_the_whole(seed, cut):
    probabilities, labels, weights = examples(seed)
    whole, parts = metrics.Tally(6), metrics.Tally(6)
    whole.add(probabilities, labels, weights)
    for rows in (slice(cut), slice(cut, None)):
        parts.add(probabilities[rows], labels[rows], weights[rows])
    assert np.array_equal(whole.confusion, parts.confusion)
    assert parts.overall() == pytest.approx(whole.overall())


def test_of_equal_scores_the_lower_label_comes_first():
    scores = np.array([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.2, 0.3, 0.5]])
    assert metrics.ranks(scores, np.array([0, 1, 1])).tolist() == [0, 1, 1]


def test_a_probability_of_zero_does_not_make_the_loss_infinite():
    tally = metrics.Tally(2)
    tally.add(np.array([[1.0, 0.0]], np.float32), np.array([1]), np.array([1.0]))
    assert 87 < tally.overall()["loss"] < 88  # -log(1.18e-38)


def test_two_labels_are_always_in_the_top_three():
    tally = metrics.Tally(2)
    tally.add(np.array([[0.9, 0.1]]), np.array([1]), np.array([2.0]))
    assert tally.overall() == pytest.approx(
        {
            "loss": -np.log(0.1),
            "loss_weighted": -np.log(0.1),
            "acc_top1": 0,
            "acc_top3": 100,
            "acc_weighted_top1": 0,
            "acc_weighted_top3": 100,
        }
    )


def test_no_example_gives_no_figure():
    assert np.isnan(metrics.Tally(3).overall()["acc_top1"])


def test_accuracy_with_label_weights_is_the_balanced_accuracy():
    probabilities, labels, _ = examples(9)
    tally = metrics.Tally(6)
    tally.add(probabilities, labels, weights.balance(labels, np.ones(len(labels))))
    balanced = metrics.balanced_accuracy(metrics.counts(tally.confusion))
    assert tally.overall()["acc_weighted_top1"] == pytest.approx(100 * balanced)
