"""Work in order: bounded, on one process or several, and clean when a worker is gone."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from database_tools.core.errors import UserError
from database_tools.work import executors, stream


def squared(number):
    return number * number


def slow_first(number):
    time.sleep(0.3 if number == 0 else 0)
    return number


def end_of_a_worker(parent):
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)


def as_large_as_said(size):
    return bytes(size)


def test_items_keep_their_order_with_and_without_a_job():
    items = [(i, None if i % 3 else i) for i in range(20)]
    done = list(stream.in_order(executors.Serial(), squared, items, ahead=4))
    assert done == [(i, None if i % 3 else i * i) for i in range(20)]


def test_no_more_jobs_are_taken_than_may_wait():
    taken = []
    items = ((taken.append(i) or i, i) for i in range(50))
    for item, _ in stream.in_order(executors.Serial(), squared, items, ahead=5):
        assert len(taken) <= item + 5


def test_no_more_items_are_taken_than_may_wait_when_few_have_a_job():
    taken = []
    items = ((taken.append(i) or i, None if i else 0) for i in range(300_000))
    with ThreadPoolExecutor(1) as threads:
        results = stream.in_order(threads, slow_first, items, ahead=5)
        assert next(results) == (0, 0)
    assert len(taken) == 5


def test_items_without_a_job_do_not_wait_for_later_ones():
    items = iter([("a", None), ("b", 1)])
    results = stream.in_order(executors.Serial(), squared, items, ahead=8)
    assert next(results) == ("a", None)
    assert next(items) == ("b", 1)


def test_results_that_wait_stay_below_a_number_of_bytes(monkeypatch):
    monkeypatch.setattr(stream, "MOST_BYTES", 1000)
    taken = []
    items = ((taken.append(i) or i, 300) for i in range(40))
    results = stream.in_order(executors.Serial(), as_large_as_said, items, ahead=20, weight=len)
    for item, _ in results:
        # three of 300 wait, and nothing more is asked for
        assert len(taken) <= item + 3
    assert len(taken) == 40


def test_one_result_larger_than_all_bytes_passes(monkeypatch):
    monkeypatch.setattr(stream, "MOST_BYTES", 1000)
    items = [(i, size) for i, size in enumerate([10, 5000, 10, 10])]
    done = list(stream.in_order(executors.Serial(), as_large_as_said, items, 4, len))
    assert [len(result) for _, result in done] == [10, 5000, 10, 10]


def test_the_parent_does_what_its_processes_have_not_begun():
    with executors.make(2) as executor:
        items = [(i, i) for i in range(40)]
        done = list(stream.in_order(executor, who, items, 20))
    # A process takes seconds to start, some jobs are handed over to it at once.
    assert os.getpid() in {worker for _, worker in done}


def test_an_executor_of_somebody_else_is_not_helped():
    with ThreadPoolExecutor(1) as threads:
        done = list(stream.in_order(threads, thread_name, [(i, i) for i in range(9)], 5))
    assert all("ThreadPool" in name for _, name in done)


def who(number):
    return os.getpid()


def thread_name(number):
    time.sleep(0.005)
    return threading.current_thread().name


@pytest.mark.slow
def test_a_slow_first_job_does_not_change_the_order():
    with executors.make(2) as executor:
        items = [(i, i) for i in range(8)]
        assert list(stream.in_order(executor, slow_first, items, 4)) == items


@pytest.mark.slow
def test_a_worker_that_the_system_ends_is_told():
    jobs = [(i, os.getpid()) for i in range(1000)]  # a process may take long to start
    with executors.make(2) as executor, pytest.raises(UserError, match="want of memory"):
        list(stream.in_order(executor, end_of_a_worker, jobs, 4))


def no_memory(number):
    raise MemoryError


@pytest.mark.parametrize("workers", [1, 2])
def test_memory_that_is_gone_is_the_same_line_in_the_parent_too(workers):
    with executors.make(workers) as executor, pytest.raises(UserError, match="want of memory"):
        list(stream.in_order(executor, no_memory, [(i, i) for i in range(9)], 4))


def test_an_error_in_the_work_is_not_swallowed():
    with pytest.raises(TypeError):
        list(stream.in_order(executors.Serial(), squared, [(0, "text")], 4))
