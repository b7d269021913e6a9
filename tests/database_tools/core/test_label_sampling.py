from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import label_sampling
from database_tools.core.label_spec import LabelRule

CALTECH = [("caltech", i) for i in range(5)]
IDFG = [("idfg", i) for i in range(5, 14)]


def rule(most, *levels):
    return LabelRule(max_count=most, prioritize=levels)


def test_a_quota_is_filled_from_the_next_level_when_the_first_has_too_few():
    # the worked example, which the original filled with 5 only
    chosen = label_sampling.sample({"canid": CALTECH + IDFG}, {"canid": rule(6, ["caltech"])}, 123)
    assert len(chosen) == 6
    assert set(range(5)) <= chosen


def test_a_level_that_has_enough_is_the_only_one_taken_from():
    chosen = label_sampling.sample({"canid": CALTECH + IDFG}, {"canid": rule(3, ["caltech"])}, 123)
    assert len(chosen) == 3
    assert chosen < set(range(5))


def test_without_a_limit_all_are_taken():
    assert label_sampling.sample({"canid": CALTECH}, {"canid": LabelRule()}, 1) == set(range(5))


def test_a_picture_that_another_label_took_counts():
    candidates = {"a": CALTECH, "b": CALTECH + IDFG}
    chosen = label_sampling.sample(candidates, {"a": LabelRule(), "b": rule(7)}, 1)
    assert len(chosen) == 7
    assert set(range(5)) <= chosen
    candidates = {"a": CALTECH, "b": CALTECH[:3]}
    assert label_sampling.sample(candidates, {"a": LabelRule(), "b": rule(1)}, 1) == set(range(5))


def test_the_same_seed_chooses_the_same_and_another_seed_others():
    spec = {"a": rule(4)}
    first, again, other = (label_sampling.sample({"a": IDFG}, spec, s) for s in (7, 7, 8))
    assert first == again
    assert first != other
    assert first == set(random.Random(7).sample(range(5, 14), 4))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), unique_by=lambda x: x[1]),
    st.integers(1, 60),
    st.lists(st.lists(st.sampled_from("abc"))),
    st.integers(0, 9),
)
def test_as_many_are_chosen_as_there_are_and_no_more_than_asked_for(pictures, most, levels, seed):
    chosen = label_sampling.sample({"x": pictures}, {"x": rule(most, *levels)}, seed)
    assert len(chosen) == min(most, len(pictures))
    assert chosen <= {number for _, number in pictures}
