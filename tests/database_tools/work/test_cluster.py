"""A Dask cluster of two processes does the same work with the same bytes, and fails as clearly."""

import os
import signal

import pytest
from PIL import Image

from database_tools import imaging
from database_tools.core.errors import UserError
from database_tools.work import executors, stream

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address():
    import dask

    options = {"distributed.scheduler.allowed-failures": 0}
    with (
        dask.config.set(options),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
    ):
        yield cluster.scheduler_address


def who(number):
    return number, os.getpid()


def end_of_a_worker(number):
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_order_from_both_workers(address):
    with executors.cluster(address) as executor:
        assert executors.is_elsewhere(executor)
        assert executors.size(executor) == 2
        items = [(i, i if i % 2 else None) for i in range(40)]
        done = list(stream.in_order(executor, who, items))
    assert [item for item, _ in done] == list(range(40))
    assert [result[0] for _, result in done if result is not None] == list(range(1, 40, 2))
    workers = {result[1] for _, result in done if result is not None}
    assert os.getpid() not in workers
    assert len(workers) == 2


def limit_of_pillow(number):
    return Image.MAX_IMAGE_PIXELS


def test_each_worker_does_first_what_is_asked_for(address):
    with executors.cluster(address, imaging.own_process) as executor:
        done = list(stream.in_order(executor, limit_of_pillow, [(i, i) for i in range(8)]))
    assert {limit for _, limit in done} == {None}


def test_an_address_where_nobody_answers_is_one_line():
    with (
        pytest.raises(UserError, match="no Dask scheduler answers at"),
        executors.cluster("tcp://127.0.0.1:9"),
    ):
        pass


def test_a_lost_worker_is_the_same_line_as_a_lost_process(address):
    with executors.cluster(address) as executor, pytest.raises(UserError, match="want of memory"):
        list(stream.in_order(executor, end_of_a_worker, [(0, 0)]))
