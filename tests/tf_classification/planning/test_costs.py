"""The arithmetic of a plan, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tf_classification.planning import stages
from tf_classification.planning.costs import ALL, FEW, FIRST, WIDE, Cost, Figure, Run, scaled
from tf_classification.planning.request import PlanRequest

SURE = Figure.sure(1000)


def run(items, opening, working, closing, disk, peak=7):
    return Run(items, np.array([opening, working, closing]), disk, peak)


def cost(cpu, wall, disk=(0, 0), peak=7):
    start, each = np.array([cpu, wall, disk], float).T
    return Cost(start, each, peak)


def equal(one, other):
    return all(map(np.allclose, (one.start, one.each), (other.start, other.each)))


def test_a_stage_is_a_start_and_so_much_for_each_item():
    # 5 s to start in a process, 1 s to open a model again, half a second for each crop, 1 s for
    # a report of all
    runs = {
        FIRST: run(4, (5.0, 9.0), (2.0, 8.0), (0.3, 0.3), 140),
        FEW: run(4, (1.3, 1.0), (2.0, 8.0), (0.3, 0.3), 140),
        ALL: run(24, (0.9, 3.0), (12.0, 48.0), (1.0, 2.0), 340),
    }
    found = Cost.of(runs)
    assert equal(found, cost(cpu=(6, 0.5), wall=(11, 2), disk=(100, 10)))
    del runs[FEW]
    assert equal(Cost.of(runs), found)  # the first was as good


def test_what_a_second_core_takes_every_further_one_will(asked):
    none = (0, 0), (0, 0), (0, 0), 0
    runs = {size: run(i, *none, peak=p) for i, (size, p) in enumerate(((FIRST, 5), (ALL, 9)))}
    assert (Cost.of(runs).peak, Cost.of(runs).further) == (9, 0)
    found = Cost.of({**runs, WIDE: run(1, *none, peak=11)})
    assert stages.Kind("embed", None).planned(asked, found, SURE, SURE).memory_bytes == 9 + 3 * 2


def test_a_busy_machine_makes_nothing_cheaper_than_nothing():
    taken = {FIRST: (4, (3, 1)), FEW: (4, (2, 2)), ALL: (24, (1, 22))}
    runs = {size: run(n, (0, 0), working, (0, 0), 0) for size, (n, working) in taken.items()}
    assert equal(Cost.of(runs), cost(cpu=(3, 0), wall=(0, 1)))


@pytest.fixture
def asked(tmp_path, monkeypatch):
    monkeypatch.setattr(stages.os, "cpu_count", lambda: 4)
    known = tmp_path / "found.json"
    known.touch()
    return PlanRequest(tmp_path, detections_json=known, workers=20)


@pytest.mark.parametrize(
    ("cores", "here", "on_workers"),
    [
        (stages.ONE, 1000 * 0.75 / 4, 1000 * 0.75 / 20),  # no less than its processors' time
        (stages.EVERY, 1000 * 0.5, 1000 * 0.75 / 20),  # measured on all four, with 0.75 s of theirs
        (stages.ALONE, 1000 * 0.5, 1000 * 0.5),  # nobody can help
    ],
)
def test_what_can_be_shared_is_shared_and_its_start_is_not(asked, cores, here, on_workers):
    kind = stages.Kind("embed", None, cores=cores, held=50, most=lambda: 30)
    stage = kind.planned(asked, cost(cpu=(8, 0.75), wall=(10, 0.5)), Figure.sure(1), SURE)
    assert stage.cpu_seconds.value == 8 + 750
    assert stage.wall_seconds.value == 10 + here
    assert stage.wall_seconds_on_workers.value == 10 + on_workers
    assert stage.memory_bytes == 7 + 50 * 30


def test_the_interval_of_the_crops_is_that_of_a_mean():
    # 100 of 200 pictures have two crops: mean 1, deviation 1, so 1 +- 1.96 / sqrt(200) = 0.1386
    found = scaled([0, 2] * 100, 1_000_000)
    assert found.value == 1_000_000
    assert found.low == pytest.approx(861_400, abs=15_000)
    assert found.high == pytest.approx(1_138_600, abs=15_000)


def test_who_looked_at_all_pictures_knows_the_crops():
    assert scaled([0, 2, 1], 3) == Figure.sure(3)
    assert scaled([1, 1, 1], 9) == Figure.sure(9)  # all alike: nothing to draw an interval from


def test_a_head_is_chosen_by_some_crops_and_learnt_from_more(asked):
    # 35 heads, of 7 strengths and 5 folds, are learnt from 10,000 crops, the last from 200,000
    head = next(kind for kind in stages.OTHERS if kind.name == "train_head")
    found = head.planned(asked, cost((0, 0), (0, 0)), SURE, Figure(9_000, 64_000, 900_000))
    assert found.items == Figure(9_000, (350_000 + 64_000) / 36, (350_000 + 200_000) / 36)


def test_a_training_goes_through_the_crops_of_all_epochs(asked):
    training = next(kind for kind in stages.OTHERS if kind.name == "train_classifier")
    epochs = replace(asked, model_name="demo-cnn", epochs=3)
    assert training.planned(epochs, cost((0, 0), (0, 0)), SURE, SURE).items.value == 3000


def test_ends_of_intervals_are_added():
    assert Figure(1, 0, 2) + Figure(10, 7, 12) == Figure(11, 7, 14)
