"""A Dask cluster of two processes does the same work with the same bytes, and fails as clearly."""

import dataclasses
import os
import pickle
import signal
import time

import pytest
from PIL import Image

from database_tools import imaging
from database_tools.core.errors import FormatError, UserError
from database_tools.work import cluster, executors, stream

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def address(dask_cluster):
    return dask_cluster.scheduler_address


def who(number):
    return number, os.getpid()


def end_of_a_worker(number):
    os.kill(os.getpid(), signal.SIGKILL)


def end_of_one_worker(job):
    """The first job to come here ends its worker, and is done by another one."""
    number, mark = job
    if number == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.slow
def test_results_come_in_order_from_both_workers(address):
    with executors.make(1, None, address) as executor:
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


@pytest.mark.slow
def test_each_job_does_first_what_is_asked_for(address):
    with executors.make(1, imaging.own_process, address) as executor:
        done = list(stream.in_order(executor, limit_of_pillow, [(i, i) for i in range(8)]))
    assert {limit for _, limit in done} == {None}


@pytest.mark.slow
def test_a_worker_that_does_not_see_what_is_needed_is_one_line(address, tmp_path):
    with (
        pytest.raises(UserError, match=r"pictures: .* does not see it; workers of a cluster must"),
        executors.make(1, None, address, [tmp_path / "pictures"]) as executor,
    ):
        list(stream.in_order(executor, who, [(0, 0)]))


@pytest.mark.slow
def test_a_folder_is_shared_as_long_as_its_run_lasts(address, tmp_path):
    with executors.make(1, None, address) as executor:
        with executors.sharing(executor, tmp_path) as shared:
            assert shared
            [token] = tmp_path.iterdir()
            assert list(stream.in_order(executor, who, [(0, 0)]))
            token.rename(tmp_path / "away")
            with pytest.raises(UserError, match="does not see it"):
                list(stream.in_order(executor, who, [(0, 0)]))
            (tmp_path / "away").rename(token)
        assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_workers_begin_anew_for_other_work_and_only_for_that(address):
    seen = []
    for role in ("detect", "detect", None, "ask"):
        with executors.make(1, None, address, role=role) as executor:
            done = stream.in_order(executor, who, [(i, i) for i in range(20)])
            seen.append({pid for _, (_, pid) in done})
    assert seen[0] == seen[1] == seen[2]
    assert not seen[0] & seen[3]
    with executors.make(1, None, address) as executor:
        executor._start = dataclasses.replace(executor._start, role="detect")
        with pytest.raises(UserError, match="another command has its workers ask, this one detect"):
            list(stream.in_order(executor, who, [(0, 0)]))


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing(address, tmp_path):
    with executors.make(1, None, address) as executor:
        jobs = [(i, (i, tmp_path / "mark")) for i in range(20)]
        done = list(stream.in_order(executor, end_of_one_worker, jobs))
    assert [result for _, result in done] == list(range(20))
    assert (tmp_path / "mark").exists()


@pytest.mark.slow
def test_a_job_that_ends_each_worker_is_the_same_line_as_a_lost_process(address):
    with (
        executors.make(1, None, address) as executor,
        pytest.raises(UserError, match="want of memory"),
    ):
        list(stream.in_order(executor, end_of_a_worker, [(0, 0)]))


def test_an_address_where_nobody_answers_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECTS", "300ms")
    with (
        pytest.raises(UserError, match="no Dask scheduler answers at"),
        executors.make(1, None, "tcp://127.0.0.1:9"),
    ):
        pass


def sleeps(number):
    time.sleep(0.05)
    return number


def run_until(address, happens):
    """Do many short jobs, and something after the third of them."""
    with executors.make(1, None, address) as executor:
        for number, _ in stream.in_order(executor, sleeps, [(i, i) for i in range(200)]):
            if number == 3:
                happens()


def test_a_scheduler_that_goes_is_one_line_and_so_is_one_without_workers(monkeypatch):
    """Its worker is a thread of this process, which starts in a moment."""
    monkeypatch.setattr(cluster, "LARGEST_WAIT", 0.2)
    monkeypatch.setattr(cluster, "_LOOK", 0.1)
    options = {"threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(n_workers=1, **options, protocol="tcp://") as own:
        address = own.scheduler_address
        with pytest.raises(UserError, match=f"{address} has had no worker for 0 seconds; the same"):
            run_until(address, lambda: own.scale(0))
        own.scale(1)
        own.wait_for_workers(1)
        with pytest.raises(UserError, match=f"{address} is gone; the same command goes on"):
            run_until(address, own.close)


def test_a_format_error_travels_between_processes_whole():
    error = FormatError("a.json", "images[3]", "no key")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "a.json: images[3]: no key"
