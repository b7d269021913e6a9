"""A Dask cluster as an executor: the same jobs, on other machines.

Its workers see the same files by the same paths, and each job looks first whether that is so.  A
worker that ends loses nothing: the scheduler gives its jobs to others.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from database_tools import remote
from database_tools.core.errors import UserError
from database_tools.remote import access

if TYPE_CHECKING:
    import distributed
    from distributed import Client

log = logging.getLogger(__name__)

Result = TypeVar("Result")

CONNECTS = "20s"
"""In which a scheduler answers."""

LARGEST_WAIT = 120.0
"""Seconds that a cluster may be without a worker."""

_LOOK = 5.0
"""Seconds between two looks whether there is one."""


@dataclass(frozen=True)
class Start:
    """What a job does before its work.

    Attributes:
        at_start: a function that other processes can import, or None.
        needed: paths that must be there.
        role: what this worker must not have done otherwise, or None.
    """

    at_start: Callable[[], None] | None
    needed: tuple[str, ...]
    role: str | None = None

    def __call__(self, work: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Do it, then the work."""
        for path in self.needed:
            if not remote.path(path).exists():
                rule = "workers of a cluster must see the same files by the same paths"
                raise UserError(f"{path}: {socket.gethostname()} does not see it; {rule}")
        if not _takes(self.role):
            other = f"another command has its workers {_roles[0]}, this one {self.role}"
            raise UserError(f"the cluster cannot do both at a time: {other}")
        if self.at_start is not None:
            self.at_start()
        return work(*args, **kwargs)


_roles: list[str] = []
"""What this process does, if it is a worker that can do only one thing."""


def _takes(role: str | None) -> bool:
    """Say whether this process may do such work; if so, it does nothing else from now on.

    TensorFlow's threads are set once in a process, and a model's last bits depend on them.
    """
    if role is not None and not _roles:
        _roles.append(role)
    return role is None or role in _roles


class Cluster(Executor):
    """The workers of a scheduler.

    Attributes:
        address: of the scheduler.
    """

    def __init__(self, client: Client, address: str, start: Start) -> None:
        self.address = address
        self._client, self._start = client, start

    @property
    def workers(self) -> int:
        """How many jobs they do at a time."""
        return max(1, sum(self._client.ncores().values()))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand over a job; raise UserError if the scheduler is gone."""
        with self._telling_of_loss():
            # pure: Dask would read all of a job to find out whether it was done before
            there = self._client.submit(self._start, fn, *args, pure=False, **kwargs)
        future: Future[Any] = Future()
        self._client.loop.add_callback(_bring, there, future)
        return future

    def result(self, future: Future[Result]) -> Result:
        """Return a job's result, when there is one.

        Raises:
            UserError: if the scheduler is gone, or no worker is left and none comes.
        """
        seen = time.monotonic()
        while not concurrent.futures.wait([future], _LOOK).done:
            if self._client.scheduler_info().get("workers"):
                seen = time.monotonic()
            elif time.monotonic() - seen > LARGEST_WAIT:
                raise self._idle()
        with self._telling_of_loss():
            return future.result()

    @contextlib.contextmanager
    def sharing(self, folder: Path) -> Iterator[bool]:
        """Say whether all workers see a folder, by a file in it; those that come later must too."""
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp") as file:
            path = str(Path(file.name).absolute())
            is_shared = all(self._client.run(os.path.exists, path).values())
            if is_shared:
                self._start = replace(self._start, needed=(*self._start.needed, path))
            yield is_shared

    def wait(self) -> None:
        """Wait for the first worker; raise UserError if none comes."""
        if not self._client.scheduler_info()["workers"]:
            log.warning("waiting for a worker of %s", self.address)
        try:
            self._client.wait_for_workers(1, timeout=LARGEST_WAIT)
        except TimeoutError:
            raise self._idle() from None

    def take(self, role: str) -> None:
        """Have the workers begin anew that did other work; raise UserError if they cannot."""
        takes = self._client.run(_takes, role)
        if others := [worker for worker, does in takes.items() if not does]:
            log.info("%d workers did other work, and start anew", len(others))
            try:
                self._client.restart_workers(others)
            except Exception as error:
                message = f"{others[0]}: cannot start anew, which other work needs: {error}"
                raise UserError(message) from None

    def _idle(self) -> UserError:
        rule = f"has had no worker for {LARGEST_WAIT:.0f} seconds"
        return UserError(f"the Dask scheduler at {self.address} {rule}; {_GOES_ON}")

    @contextlib.contextmanager
    def _telling_of_loss(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if isinstance(error, CancelledError) or self._client.status != "running":
                message = f"the Dask scheduler at {self.address} is gone; {_GOES_ON}"
                raise UserError(message) from None
            raise


async def _bring(there: distributed.Future, here: Future[Any]) -> None:
    """Hand on a result, or an error.

    Dask's own executor loses either where the scheduler goes at that moment.
    """
    try:
        result = await there
    except BaseException as error:
        outcome = functools.partial(here.set_exception, error)
    else:
        outcome = functools.partial(here.set_result, result)
    if here.set_running_or_notify_cancel():
        outcome()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what Dask's client prints of a scheduler that is gone."""
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


_GOES_ON = "the same command goes on where this run stopped"


@contextlib.contextmanager
def connected(
    address: str,
    at_start: Callable[[], None] | None = None,
    needed: Sequence[Path] = (),
    role: str | None = None,
) -> Iterator[Cluster]:
    """Connect to a Dask scheduler.

    Args:
        address: of the scheduler.
        at_start: what each job does first, a function that other processes can import.
        needed: paths that the workers must see.
        role: what they do; those that did otherwise start anew.

    Raises:
        UserError: if Dask is not installed, no scheduler answers or there is no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        message = 'a cluster needs Dask: pip install -e ".[cluster]"'
        raise UserError(message) from None
    try:
        client = Client(address, timeout=CONNECTS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(f"no Dask scheduler answers at {address!r} ({error})") from None
    with _quiet(), client:
        start = Start(at_start, tuple(str(path.absolute()) for path in needed), role)
        executor = Cluster(client, address, start)
        executor.wait()
        client.run(access.forget)  # what they know of stores is of an earlier run
        if role is not None:
            executor.take(role)
        yield executor
