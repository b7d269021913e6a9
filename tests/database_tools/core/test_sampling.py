from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core.errors import UserError
from database_tools.core.sampling import EpochPlan, Sampling


def drawn_labels(labels, plan, epoch=0):
    return np.bincount(labels[plan.indices(epoch)], minlength=labels.max() + 1)


@given(
    counts=st.lists(st.integers(0, 30), min_size=1, max_size=8).filter(any),
    power=st.sampled_from([0, 0.5, 1]),
    size=st.integers(1, 200),
    seed=st.integers(0, 99),
)
def test_a_labels_crops_are_used_equally_often(counts, power, size, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    indices = EpochPlan(labels, Sampling(power=power, size=size, seed=seed)).indices(3)
    assert len(indices) == size
    used = np.bincount(indices, minlength=len(labels))
    for label in range(len(counts)):
        of_label = used[labels == label]
        assert of_label.size == 0 or np.ptp(of_label) <= 1


@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    power=st.floats(0, 1),
    size=st.integers(1, 500),
)
def test_a_label_is_drawn_as_often_as_expected_give_or_take_one(counts, power, size):
    labels = np.repeat(np.arange(len(counts)), counts)
    shares = np.array(counts, float) ** (1 - power)
    expected = size * shares / shares.sum()
    drawn = drawn_labels(labels, EpochPlan(labels, Sampling(power=power, size=size)))
    assert (abs(drawn - expected) < 1 + 1e-6).all()


def test_without_weights_an_epoch_is_every_crop_once_in_another_order():
    labels = np.array([0] * 900 + [2] * 100)  # nothing of label 1
    plan = EpochPlan(labels)
    first, second = plan.indices(0), plan.indices(1)
    assert sorted(first) == sorted(second) == list(range(1000))
    assert (first != second).any()
    assert (first[:-1] < first[1:]).mean() < 0.6  # shuffled


def test_power_one_draws_a_rare_label_as_often_as_a_common_one():
    labels = np.array([0] * 99 + [1])
    assert drawn_labels(labels, EpochPlan(labels, Sampling(power=1))).tolist() == [50, 50]


def test_power_one_half_is_between():
    labels = np.array([0] * 80 + [1] * 20)  # shares 80^.5 : 20^.5 = 2 : 1
    plan = EpochPlan(labels, Sampling(power=0.5, size=300))
    assert drawn_labels(labels, plan).tolist() == [200, 100]


def test_a_plan_depends_on_seed_and_epoch_only():
    labels = np.arange(50) % 3
    plan = EpochPlan(labels, Sampling(power=1, seed=5))
    again = EpochPlan(labels, Sampling(power=1, seed=5))
    assert (plan.indices(7) == again.indices(7)).all()
    other = EpochPlan(labels, Sampling(power=1, seed=6))
    assert (plan.indices(7) != other.indices(7)).any()


def test_weights_decide_within_a_label_but_not_between_labels():
    labels = np.array([0, 0, 0, 1])
    weights = np.array([3, 1, 0, 0.1])
    plan = EpochPlan(labels, Sampling(power=1, size=800), weights)
    assert np.bincount(plan.indices(0), minlength=4).tolist() == [300, 100, 0, 400]


def test_weights_alone_draw_in_proportion():
    labels = np.array([0, 0, 1])
    weights = np.array([0.5, 0.25, 0.25])
    plan = EpochPlan(labels, Sampling(size=400), weights)
    assert np.bincount(plan.indices(0)).tolist() == [200, 100, 100]


def test_crops_of_equal_label_are_paired_by_chance():
    # Systematic sampling without a shuffle would always choose every second crop.
    labels = np.zeros(10, int)
    plan = EpochPlan(labels, Sampling(size=5))
    sets = {tuple(sorted(plan.indices(epoch))) for epoch in range(50)}
    assert len(sets) > 40


def test_a_location_gives_at_most_so_many_crops_of_a_label():
    labels = np.array([0] * 100 + [1] * 10 + [0] * 2)
    locations = np.array([7] * 110 + [8] * 2)
    plan = EpochPlan(labels, Sampling(max_per_location=5), locations=locations)
    assert plan.size == 5 + 5 + 2
    pairs = [(labels[i], locations[i]) for i in plan.indices(0)]
    assert sorted(pairs) == [(0, 7)] * 5 + [(0, 8)] * 2 + [(1, 7)] * 5


def test_a_capped_location_gives_other_crops_in_other_epochs():
    labels, locations = np.zeros(100, int), np.zeros(100, int)
    plan = EpochPlan(labels, Sampling(max_per_location=5), locations=locations)
    assert len(set(np.concatenate([plan.indices(epoch) for epoch in range(100)]))) > 90


def test_many_labels_do_not_overflow_the_fast_sort():
    labels = np.array([70_000, 3, 70_000])
    assert sorted(EpochPlan(labels).indices(0)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": np.array([], int)}, "no crop to draw"),
        ({"labels": np.array([0]), "weights": np.array([-1.0])}, "at least 0"),
        ({"labels": np.array([0]), "weights": np.array([np.nan])}, "at least 0"),
        ({"labels": np.array([0]), "weights": np.ones(2)}, "1 labels, but 2 weights"),
        (
            {"labels": np.array([0]), "sampling": Sampling(max_per_location=1)},
            "needs the locations",
        ),
    ],
)
def test_impossible_plans_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        EpochPlan(**arguments)


@pytest.mark.parametrize("weightless", [0, 1, 2])
def test_a_label_whose_crops_all_weigh_nothing_is_the_users_to_mend(weightless):
    labels = np.array([0, 1, 2, 2])
    with pytest.raises(UserError, match=f"label {weightless} has crops"):
        EpochPlan(labels, weights=(labels != weightless).astype(float))


@pytest.mark.parametrize(
    "options", [{"power": 1.1}, {"power": -0.1}, {"max_per_location": 0}, {"size": 0}, {"seed": -1}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Sampling(**options)
