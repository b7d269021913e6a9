from __future__ import annotations

import numpy as np
import pytest

from database_tools.core.sampling import EpochPlan, Sampling
from tf_classification.data import oversampling
from tf_classification.data.oversampling import OversamplingPlan


@pytest.fixture
def labels():
    """Five labels of 5 to 400 crops, and one, number 2, without any."""
    return np.repeat([0, 1, 3, 4, 5], [400, 100, 50, 20, 5])


@pytest.mark.parametrize("power", [0.5, 1])
def test_labels_come_as_often_as_in_the_plan(labels, power):
    plan = EpochPlan(labels, Sampling(power=power, size=3000, seed=1))
    drawn = np.bincount(labels[OversamplingPlan(plan).indices(0)], minlength=6)
    planned = np.bincount(labels[plan.indices(0)], minlength=6)
    assert drawn[2] == planned[2] == 0
    present = planned > 0
    chi_square = ((drawn - planned)[present] ** 2 / planned[present]).sum()
    assert chi_square < 18.5  # 99.9 % of chi-square with 4 degrees of freedom
    assert drawn.sum() == 3000


def test_a_labels_crops_are_used_equally_often(labels):
    plan = EpochPlan(labels, Sampling(power=1, size=1000))
    used = np.bincount(OversamplingPlan(plan).indices(0), minlength=len(labels))
    for label in np.unique(labels):
        assert np.ptp(used[labels == label]) <= 1


def test_an_epoch_can_be_drawn_again_and_others_differ(labels):
    plan = OversamplingPlan(EpochPlan(labels, Sampling(power=1, size=100, seed=3)))
    assert (plan.indices(1) == plan.indices(1)).all()
    assert (plan.indices(1) != plan.indices(2)).any()
    assert (plan.size, plan.sampling.seed) == (100, 3)


def test_what_this_way_cannot_do_is_refused():
    many = EpochPlan(np.arange(oversampling.MAX_LABELS + 1))
    with pytest.raises(ValueError, match="201 labels, at most 200"):
        OversamplingPlan(many)
    weighted = EpochPlan(np.zeros(3, int), weights=np.ones(3))
    with pytest.raises(ValueError, match="need the plan"):
        OversamplingPlan(weighted)
