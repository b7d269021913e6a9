"""What runs pure work: this process, others of this machine, or a cluster.

Any ``concurrent.futures.Executor`` will do.  Ours are made to leave nothing behind: a worker
dies with the process that started it, however that one ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from database_tools.core.errors import UserError
from database_tools.work import cluster
from database_tools.work.cluster import Cluster

Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1

_MANY = 32
"""Workers of an executor that does not say how many it has."""


class Serial(Executor):
    """Does the work at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done already."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Processes(Executor):
    """Processes that never hear Ctrl-C, not even while they start: the parent decides about it.

    There is one less than asked for, as the parent works too where it would only wait
    (``work.stream``): small work does not wait until processes have started.

    Attributes:
        workers: how many, the parent included.
    """

    def __init__(self, workers: int, at_start: Callable[[], None] | None = None) -> None:
        self.workers, self._at_start = workers, at_start
        self._pool: Executor | None = None  # made for the first job: without any it is not needed

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand over a job; this may start a process, which inherits the blocked signal."""
        self._pool = self._pool or self._made()
        if sys.platform == "win32":
            return self._pool.submit(fn, *args, **kwargs)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._pool.submit(fn, *args, **kwargs)
        finally:
            # A Ctrl-C of the meantime comes now.
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        if self._pool is not None:
            try:
                self._pool.shutdown(wait, cancel_futures=cancel_futures)
            except KeyboardInterrupt:
                # A second Ctrl-C: Python takes the pool's thread for ended now, and would wait
                # for ever at its end for workers that nobody tells to stop.
                import multiprocessing

                for process in multiprocessing.active_children():
                    process.kill()
                raise

    def _made(self) -> Executor:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        # Spawned, never forked, as TensorFlow does not survive a fork; they import only what
        # the work needs.
        return ProcessPoolExecutor(
            self.workers - 1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(os.getpid(), self._at_start),
        )


def make(
    workers: int,
    at_start: Callable[[], None] | None = None,
    scheduler: str | None = None,
    needed: Sequence[Path] = (),
    role: str | None = None,
) -> AbstractContextManager[Executor]:
    """Return an executor to use in a ``with``: processes of this machine, or a cluster.

    Args:
        workers: how many processes; one means this one.
        at_start: what each of several does first, a function that other processes can import.
        scheduler: address of a Dask scheduler, whose workers do the work instead.
        needed: paths that those must see.
        role: what they do, if a process cannot do anything else before or after; see ``cluster``.

    Raises:
        UserError: if Dask is not installed, no scheduler answers or it has no workers.
    """
    if scheduler is not None:
        return cluster.connected(scheduler, at_start, needed, role)
    return Serial() if workers == 1 else Processes(workers, at_start)


def is_elsewhere(executor: Executor) -> bool:
    """Say whether the work is done on other machines, to which each way costs."""
    return not isinstance(executor, Serial | Processes)


def size(executor: Executor) -> int:
    """Return how many jobs an executor does at a time."""
    if isinstance(executor, Serial):
        return 1
    if isinstance(executor, Processes | Cluster):
        return executor.workers
    return int(getattr(executor, "_max_workers", _MANY))


def sharing(executor: Executor, folder: Path) -> AbstractContextManager[bool]:
    """Say whether the workers of a cluster see a folder, so that they can write there."""
    return executor.sharing(folder) if isinstance(executor, Cluster) else nullcontext(False)


def result(executor: Executor, future: Future[Result]) -> Result:
    """Return a job's result, when there is one; raise UserError if a cluster is gone."""
    return executor.result(future) if isinstance(executor, Cluster) else future.result()


def lost_worker(error: BaseException) -> UserError | None:
    """Say in one line that a worker is gone or out of memory; None for any other error."""
    gone = isinstance(error, BrokenExecutor | MemoryError)
    if (dask := sys.modules.get("distributed")) is not None:
        gone = gone or isinstance(error, dask.KilledWorker)
    if not gone:
        return None
    return UserError(
        "a worker ended for want of memory, or the system ended it; run again with fewer "
        "--workers, which goes on where this run stopped"
    )


def _begin(parent: int, at_start: Callable[[], None] | None) -> None:
    # Ctrl-C reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    if at_start is not None:
        at_start()


def end_with(parent: int) -> None:
    """Have the system end this process when its parent ends, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)
