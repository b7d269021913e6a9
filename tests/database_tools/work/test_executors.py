"""Work in order: bounded, on one process or several, and clean when a worker is gone."""

import os
import signal
import time

import pytest

from database_tools.core.errors import UserError
from database_tools.work import executors


def squared(number):
    return number * number


def slow_first(number):
    time.sleep(0.3 if number == 0 else 0)
    return number


def end_of_a_worker(number):
    os.kill(os.getpid(), signal.SIGKILL)


def test_items_keep_their_order_with_and_without_a_job():
    items = [(i, None if i % 3 else i) for i in range(20)]
    done = list(executors.in_order(executors.Serial(), squared, items, ahead=4))
    assert done == [(i, None if i % 3 else i * i) for i in range(20)]


def test_no_more_jobs_are_taken_than_may_wait():
    taken = []
    items = ((taken.append(i) or i, i) for i in range(50))
    for item, _ in executors.in_order(executors.Serial(), squared, items, ahead=5):
        assert len(taken) <= item + 6


def test_items_without_a_job_do_not_wait_for_later_ones():
    items = iter([("a", None), ("b", 1)])
    stream = executors.in_order(executors.Serial(), squared, items, ahead=8)
    assert next(stream) == ("a", None)
    assert next(items) == ("b", 1)


@pytest.mark.slow
def test_a_slow_first_job_does_not_change_the_order():
    with executors.make(2) as executor:
        items = [(i, i) for i in range(8)]
        assert list(executors.in_order(executor, slow_first, items, 4)) == items


@pytest.mark.slow
def test_a_worker_that_the_system_ends_is_told():
    with executors.make(2) as executor, pytest.raises(UserError, match="want of memory"):
        list(executors.in_order(executor, end_of_a_worker, [(0, 0)], 4))


def test_an_error_in_the_work_is_not_swallowed():
    with pytest.raises(TypeError):
        list(executors.in_order(executors.Serial(), squared, [(0, "text")], 4))
