"""The arithmetic of a plan, by hand."""

import pytest

from tf_classification.planning.costs import Cost, Figure, Line, Run, Stage, scaled, to_learn, total

SURE = Figure(1000, 1000, 1000)


def test_a_stage_is_a_start_and_so_much_for_each_item():
    # 5 s to start in a process, 1 s to open a model again, half a second for each crop, 1 s for
    # a report of all
    runs = [
        Run(4, opening=(5.0, 9.0), working=(2.0, 8.0), closing=(0.3, 0.3), disk=140),
        Run(4, opening=(1.3, 1.0), working=(2.0, 8.0), closing=(0.3, 0.3), disk=140),
        Run(24, opening=(0.9, 3.0), working=(12.0, 48.0), closing=(1.0, 2.0), disk=340),
    ]
    cost = Cost.of(runs, peak=7)
    assert cost.cpu == Line(6.0, 0.5)
    assert cost.wall == Line(11.0, 2.0)
    assert cost.disk == Line(100.0, 10.0)
    assert Cost.of([runs[0], runs[2]], peak=7) == cost  # the first was as good as the second


def test_a_busy_machine_makes_nothing_cheaper_than_nothing():
    assert Line.of((4, 3.0), (4, 2.0), (24, 1.0)) == Line(3.0, 0.0)
    assert Line.of((4, 1.0), (4, 2.0), (24, 22.0)) == Line(0.0, 1.0)


@pytest.mark.parametrize(
    ("cores", "here", "on_workers"),
    [
        (1, 1000 * 0.75 / 4, 1000 * 0.75 / 20),  # no less than its processors' time
        (4, 1000 * 0.5, 1000 * 0.75 / 20),  # measured on all four, with 0.75 s of theirs
        (0, 1000 * 0.5, 1000 * 0.5),  # nobody can help
    ],
)
def test_what_can_be_shared_is_shared_and_its_start_is_not(cores, here, on_workers):
    cost = Cost(cpu=Line(8, 0.75), wall=Line(10, 0.5), disk=Line(0, 0), peak=100)
    stage = Stage("embed", "crops", cost, cores, held=50)
    assert stage.cpu(SURE).value == 8 + 750
    assert stage.wall(SURE, 4).value == 10 + here
    assert stage.wall_on(SURE, 20).value == 10 + on_workers
    assert stage.memory == 150


def test_the_interval_of_the_crops_is_that_of_a_mean():
    # 100 of 200 pictures have two crops: mean 1, deviation 1, so 1 +- 1.96 / sqrt(200) = 0.1386
    found = scaled([0, 2] * 100, 1_000_000)
    assert found.value == 1_000_000
    assert found.low == pytest.approx(861_400, abs=15_000)
    assert found.high == pytest.approx(1_138_600, abs=15_000)


def test_who_looked_at_all_pictures_knows_the_crops():
    assert scaled([0, 2, 1], 3) == Figure(3, 3, 3)
    assert scaled([1, 1, 1], 9) == Figure(9, 9, 9)  # all alike: nothing to draw an interval from


def test_a_head_is_chosen_by_some_crops_and_learnt_from_more():
    # 3 heads are learnt to choose; of 100 crops all four cost 100, of 400 three cost 200
    found = to_learn(Figure(100, 400, 900), chosen_by=200, most=500, fits=3)
    assert found == Figure(100, (3 * 200 + 400) / 4, (3 * 200 + 500) / 4)


def test_ends_of_intervals_are_added():
    assert total([Figure(1, 0, 2), Figure(10, 7, 12)]) == Figure(11, 7, 14)
