"""Runs pure work in its own order: on this process, on others, or on a cluster.

Any ``concurrent.futures.Executor`` will do.  Ours are made to leave nothing behind: a worker
dies with the process that started it, however that one ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from database_tools.core.errors import UserError

Item = TypeVar("Item")
Job = TypeVar("Job")
Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1


class Serial(Executor):
    """Does the work at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done already."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Processes(ProcessPoolExecutor):
    """Processes that never hear Ctrl-C, not even while they start: the parent decides about it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand over a job; this may start a process, which inherits the blocked signal."""
        if sys.platform == "win32":
            return super().submit(fn, *args, **kwargs)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            # A Ctrl-C of the meantime comes now.
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def make(workers: int, at_start: Callable[[], None] | None = None) -> Executor:
    """Return an executor of so many processes; one means this one.

    Processes are spawned, never forked, as TensorFlow does not survive a fork; they import only
    what the work needs.

    Args:
        workers: how many.
        at_start: what each of several does first, a function that other processes can import.
    """
    if workers == 1:
        return Serial()
    return Processes(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(), at_start),
    )


def _begin(parent: int, at_start: Callable[[], None] | None) -> None:
    """Have the system end this process when its parent ends, even by SIGKILL."""
    # Ctrl-C reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)
    if at_start is not None:
        at_start()


def in_order(
    executor: Executor,
    work: Callable[[Job], Result],
    items: Iterable[tuple[Item, Job | None]],
    ahead: int,
) -> Iterator[tuple[Item, Result | None]]:
    """Work on jobs while keeping the order of the items.

    Args:
        executor: does the work.
        work: a function that other processes can import, as its jobs and results can be pickled.
        items: pairs of anything and its job; None for nothing to do.
        ahead: most jobs that wait or are done and not taken yet: the bound on memory.

    Yields:
        Each item with the result of its job, None where it had none.

    Raises:
        UserError: if a worker process is gone, which nearly always means: out of memory.
    """
    waiting: deque[tuple[Item, Future[Result] | None]] = deque()
    jobs = 0
    try:
        for item, job in items:
            waiting.append((item, None if job is None else executor.submit(work, job)))
            jobs += job is not None
            while waiting and (jobs > ahead or waiting[0][1] is None):
                first, future = waiting.popleft()
                jobs -= future is not None
                yield first, None if future is None else future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, None if future is None else future.result()
    except BrokenProcessPool:
        raise UserError(
            "a worker process was ended by the system, mostly for want of memory; run again with "
            "fewer --workers, which goes on where this run stopped"
        ) from None
    finally:
        with contextlib.suppress(Exception):
            for _, future in waiting:
                if future is not None:
                    future.cancel()
