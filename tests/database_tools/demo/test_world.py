"""Events of the demo world: reproducible, independent of the number asked for, biased as said."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from database_tools.demo import world
from database_tools.demo.dataset import DemoDataset
from database_tools.demo.species import NAMES, SPECIES
from database_tools.demo.world import World


def test_the_shares_of_the_species_add_up():
    assert sum(species.share for species in SPECIES) == pytest.approx(1)
    assert len(set(NAMES)) == 8


def test_more_pictures_begin_with_the_same_events():
    few = list(world.sequences(World(seed=4), range(3), 30))
    many = list(world.sequences(World(seed=4), range(3), 60))
    assert sum(event.frames for event in few) == 30
    assert few[:-1] == many[: len(few) - 1]  # the last is cut to the number asked for


def test_another_seed_brings_other_events():
    first, second = (world.sequence(World(seed=seed), 5, 0) for seed in (1, 2))
    assert first != second


def test_a_place_looks_the_same_whatever_the_seed():
    mixes = [world.habits(World(seed=seed), 7)[0] for seed in (1, 2)]
    np.testing.assert_array_equal(*mixes)


def test_without_bias_every_place_has_the_shares_of_the_world():
    for location in range(5):
        mix, empty = world.habits(World(location_bias=0), location)
        np.testing.assert_allclose(mix, [species.share for species in SPECIES])
        assert 0.15 <= empty <= 0.45


def test_class_imbalance_is_an_exponent_of_the_shares():
    shares = np.array([species.share for species in SPECIES])
    for power in (0, 1, 2):
        mix, _ = world.habits(World(location_bias=0, class_imbalance=power), 0)
        np.testing.assert_allclose(mix, shares**power / (shares**power).sum())


def majority_by_location(bias: float) -> tuple[float, float]:
    """How many animals the most common species of the place names right, and that of the world."""
    by_place: dict[int, Counter[str]] = {}
    settings = World(location_bias=bias)
    for location, number in itertools.product(range(40), range(40)):
        event = world.sequence(settings, location, number)
        if event.animals:
            by_place.setdefault(location, Counter())[event.animals[0].species.name] += 1
    together = sum(by_place.values(), Counter())
    total = sum(together.values())
    right = sum(counts.most_common(1)[0][1] for counts in by_place.values())
    return right / total, together.most_common(1)[0][1] / total


def test_the_default_bias_lets_the_place_tell_half_of_the_species():
    place, everywhere = majority_by_location(0.8)
    assert 0.42 < place < 0.6  # simulated before: 0.49 for bias 0.8 and concentration 2
    assert everywhere < 0.36  # the deer's 0.30
    assert place > everywhere + 0.1


def test_without_bias_the_place_tells_no_more_than_the_world():
    place, everywhere = majority_by_location(0)
    assert place < everywhere + 0.08  # 24 draws a place: their own majority exceeds by chance


@pytest.mark.parametrize("seed", range(4))
def test_the_default_data_set_has_every_species(seed):
    labels = Counter(name for shot in DemoDataset(seed=seed).shots() for name in shot.event.labels)
    assert set(labels) == {"empty", *NAMES}
    assert min(labels.values()) >= 8


def test_events_follow_each_other_in_time():
    times = [world.sequence(World(), 3, number).time for number in range(20)]
    assert times == sorted(times)


def test_a_night_picture_is_taken_at_night():
    for event in world.sequences(World(), range(2), 60):
        assert event.night == (event.time.hour < 6 or event.time.hour >= 18)
