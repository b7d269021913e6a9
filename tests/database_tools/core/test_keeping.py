import numpy as np
import pytest

from database_tools.core import keeping
from database_tools.core.keeping import Scored


def test_the_grid_begins_where_the_file_does():
    assert keeping.grid(0.1)[[0, 1, -1]].tolist() == [0.1, 0.11, 1.0]
    assert keeping.grid(0.1001)[0] == 0.11
    assert keeping.grid(0.0)[0] == 0.01
    assert len(keeping.grid(1.0)) == 1


def test_a_threshold_keeps_what_reaches_it_as_float32():
    scores = np.array([np.float32(0.7), 0.69, 0.0, 1.0], np.float64)
    found = keeping.kept(Scored(scores, np.array([0, 0, 1, 1])), np.array([0.5, 0.7, 1.0]))
    assert found.share.tolist() == [0.75, 0.5, 0.25]
    assert (found.pictures, found.locations) == (4, 2)
    # locations keep 2 of 2 and 1 of 2 at 0.5
    assert found.interval.low[0] <= 0.75 <= found.interval.high[0]


def test_no_pictures_have_no_share():
    found = keeping.kept(Scored(np.zeros(0), np.zeros(0, int)), np.array([0.5]))
    assert np.isnan([found.share[0], found.interval.low[0]]).all()


def world(rng, locations, pictures, deviation):
    """Scores of animals; each location is clearer or darker, by an effect on the logit."""
    place = np.repeat(np.arange(locations), pictures)
    effect = rng.normal(0, deviation, locations)[place]
    return Scored(1 / (1 + np.exp(-rng.normal(3, 1.5, len(place)) - effect)), place)


def test_the_proposed_threshold_keeps_its_promise_at_new_locations():
    rng, kept, proposed = np.random.default_rng(0), 0, 0
    new = world(rng, 3000, 20, 1.0)
    grid = keeping.grid(0.05)
    for _ in range(60):
        found = keeping.propose(world(rng, 20, 50, 1.0), grid, 0.9)
        proposed += found.threshold is not None
        kept += found.threshold is None or new.reach(found.threshold).mean() >= 0.9
    assert kept >= 54  # 9 of 10
    assert proposed >= 50  # it is not too shy to say anything


def test_the_walk_stops_at_the_first_threshold_that_fails():
    # half of the pictures score 1, the others 0.5: 0.5 keeps all, 0.51 half
    scores = np.tile([1.0, 0.5], 2000)
    found = keeping.propose(Scored(scores, np.arange(4000) % 40), keeping.grid(0.1), 0.95)
    assert found.threshold == 0.5
    assert 0.95 <= found.bound < 1


def test_few_locations_do_not_tell():
    found = keeping.propose(Scored(np.ones(7000), np.arange(7000) % 7), keeping.grid(0.1), 0.95)
    assert found.threshold is None
    assert not found.enough
    found = keeping.propose(Scored(np.zeros(800), np.arange(800) % 8), keeping.grid(0.1), 0.95)
    assert found.threshold is None
    assert found.enough
    assert found.bound == pytest.approx(0, abs=1e-9)
