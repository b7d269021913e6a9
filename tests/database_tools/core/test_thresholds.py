"""Thresholds keep their promise at new locations, and accept much of what could be accepted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from database_tools.core import thresholds
from database_tools.core.precision_bounds import Judged

TARGET = 0.95


def judged(*labels, places=10):
    """Make predictions of labels, each a list of (confidence, right), places in turn."""
    rows = [(c, r, i) for i, label in enumerate(labels) for c, r in label]
    confidence, right, predicted = map(np.array, zip(*rows, strict=True))
    place = np.concatenate([np.arange(len(label)) % places for label in labels])
    return Judged(confidence.astype(float), right.astype(bool), place), predicted


def choose(*labels, places=10, num_labels=None):
    return thresholds.choose(*judged(*labels, places=places), num_labels or len(labels), TARGET)


SURE = [(0.99, True)] * 200
UNSURE = [(0.6, i % 2 == 0) for i in range(40)]


def test_a_label_gets_the_lowest_threshold_that_its_crops_bear():
    found = choose(SURE + UNSURE)
    assert found.values.tolist() == [0.99]
    assert found.own.tolist() == [True]


def test_a_label_of_few_crops_shares_the_threshold_of_all():
    found = choose(SURE + UNSURE, [(0.995, True)] * 5)
    assert found.values.tolist() == [0.99, 0.99]
    assert found.own.tolist() == [True, False]


def test_a_label_that_no_crop_was_taken_for_shares_it_too():
    found = choose(SURE, num_labels=2)
    assert found.values.tolist() == [0.99, 0.99]
    assert found.own.tolist() == [True, False]


def test_a_label_of_fewer_than_eight_locations_has_none_of_its_own():
    sure, few = judged(SURE, SURE)[0], np.repeat([0, 1], 200)
    place = np.where(few == 1, sure.place % 7, sure.place)
    found = thresholds.choose(Judged(sure.confidence, sure.right, place), few, 2, TARGET)
    assert found.own.tolist() == [True, False]
    assert not np.isnan(found.values[1])


def test_with_seven_locations_in_all_nothing_can_be_promised():
    assert np.isnan(choose(SURE, SURE, places=7).values).all()
    assert not np.isnan(choose(SURE, SURE, places=8).values).any()


def test_a_label_whose_crops_speak_against_the_shared_threshold_gets_none():
    found = choose(SURE * 5, [(0.995, i < 4) for i in range(12)])
    assert found.values[0] == 0.99
    assert np.isnan(found.values[1])
    # one mistake of six may be chance
    assert choose(SURE * 5, [(0.995, i > 0) for i in range(6)]).values[1] == 0.99


def test_hopeless_predictions_and_none_at_all_accept_nothing():
    assert np.isnan(choose([(0.9, False)] * 300).values).all()
    nothing = Judged(np.zeros(0), np.zeros(0, bool), np.zeros(0, int))
    assert np.isnan(thresholds.choose(nothing, np.zeros(0, int), 3, TARGET).values).all()


def test_few_crops_accept_nothing_however_right():
    # .95 ** 44 is above .1: 44 right ones may well come of a precision below .95
    assert np.isnan(choose([(0.99, True)] * 44, places=44).values).all()
    assert choose([(0.99, True)] * 60, places=60).values.tolist() == [0.99]


def test_equal_confidences_are_accepted_together():
    # the surest 200 would do, but nothing parts them from 40 others of the same confidence
    assert np.isnan(choose([(0.99, True)] * 200 + [(0.99, False)] * 40).values).all()


@dataclass
class World:
    """Crops whose confidences are right but for an effect of their location.

    Labels have Zipf's frequencies and a sureness of their own; each location has a mix of its
    own.  What is true of new locations is known without drawing them.
    """

    labels: int
    deviation: float

    def __post_init__(self):
        rng = np.random.default_rng(99)
        frequency = 1 / np.arange(1, self.labels + 1)
        self.mix = frequency / frequency.sum() * self.labels / 2 + 1e-3
        self.sureness = rng.normal(2.5, 0.7, self.labels)

    def said(self, rng, label):
        return 1 / (1 + np.exp(-rng.normal(self.sureness[label], 2)))

    def draw(self, rng, places, each):
        mixes = rng.dirichlet(self.mix, places)
        label = np.concatenate([rng.choice(self.labels, each, p=mix) for mix in mixes])
        place = np.repeat(np.arange(places), each)
        confidence = self.said(rng, label)
        effect = rng.normal(0, self.deviation, places)[place]
        return Judged(
            confidence, rng.random(len(place)) < shifted(confidence, effect), place
        ), label

    def new_locations(self):
        """Return label, confidence and probability of being right of very many crops."""
        rng = np.random.default_rng(7)
        label = rng.choice(self.labels, 100_000, p=self.mix / self.mix.sum())
        confidence = self.said(rng, label)
        points, weights = np.polynomial.hermite_e.hermegauss(15)
        effects = self.deviation * points
        right = shifted(confidence[:, None], effects) @ (weights / weights.sum())
        return label, confidence, right


def shifted(confidence, effect):
    return 1 / (1 + (1 - confidence) / confidence * np.exp(-effect))


def most_to_accept(label, confidence, right):
    """Return the share that an oracle accepts, which knows how right crops are."""
    accepted = 0
    for i in np.unique(label):
        order = np.argsort(-confidence[label == i])
        precision = np.cumsum(right[label == i][order]) / np.arange(1, len(order) + 1)
        accepted += 1 + np.flatnonzero(precision >= TARGET)[-1]
    return accepted / len(label)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [8, 169])
@pytest.mark.parametrize("deviation", [0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("places", "each", "runs", "of_the_oracles"),
    [(12, 10, 200, 0), (12, 60, 200, 1 / 3), (30, 60, 60, 1 / 3), (100, 200, 15, 3 / 4)],
)
def test_the_promise_is_kept_and_enough_is_accepted(
    labels, deviation, places, each, runs, of_the_oracles
):
    world = World(labels, deviation)
    label, confidence, right = world.new_locations()
    kept, kept_by_label, accepted = [], [], []
    for run in range(runs):
        found = thresholds.choose(
            *world.draw(np.random.default_rng(run), places, each), labels, TARGET
        )
        sure = confidence >= found.values[label]
        accepted.append(sure.mean())
        kept.append(not sure.any() or right[sure].mean() >= TARGET)
        # a run in which a label has no threshold of its own breaks no promise of it
        own = [right[sure & (label == i)] for i in np.flatnonzero(found.own)]
        kept_by_label.append(1 - sum(p.size and p.mean() < TARGET for p in own) / labels)
    error = 2 * np.sqrt(0.9 * 0.1 / runs)
    assert np.mean(kept) >= 0.9 - error
    assert np.mean(kept_by_label) >= 0.9
    assert np.mean(accepted) >= of_the_oracles * most_to_accept(label, confidence, right)
