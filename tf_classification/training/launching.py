"""Starts the workers of a training, and all of them again when one ends before its time.

What a training keeps survives a kill at any moment, so all workers begin again at the last state,
and the weights are those of a training that nothing disturbed.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.durable import files
from database_tools.work import executors

log = logging.getLogger(__name__)

TRAIN = (sys.executable, "-m", "tf_classification.train_classifier")

_GRACE = 10.0
"""Seconds for the workers to end by themselves."""

_LOG = re.compile(r"worker_[0-9]+\.log")

_PAUSE = 5.0
"""Seconds in which other machines see that a worker is gone."""


@dataclass(frozen=True)
class Launch:
    """What to start.

    Attributes:
        words: of ``train_classifier.py``, which go on with the run if they are said again.
        folder: of the run.
        workers: on this machine.
        max_restarts: how often all are started again.
        together: whether there are workers elsewhere, as the environment says.
    """

    words: Sequence[str]
    folder: Path
    workers: int
    max_restarts: int
    together: bool = False


def run(launch: Launch) -> int:
    """Train to the end; return the exit status of a worker that nothing can help.

    Raises:
        UserError: if workers ended too often.
    """
    for restart in range(launch.max_restarts + 1):
        with _started(launch) as workers:
            ended = _wait(workers)
        if ended is None:
            return 0
        number, status = ended
        if status == UserError.status:  # it would say the same again
            if number == 0:  # and has said it here
                _remove_logs_alone(launch.folder)
            return status
        said = f"worker {number} ended {_how(status)}"
        if restart < launch.max_restarts:
            text = "%s; starting all again, %d of %d times"
            log.warning(text, said, restart + 1, launch.max_restarts)
            time.sleep(_PAUSE if launch.together else 0)
    raise UserError(f"{said}, after {launch.max_restarts} restarts; the same command goes on")


@contextlib.contextmanager
def _started(launch: Launch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start the workers; none is left at the end."""
    workers: list[subprocess.Popen[bytes]] = []
    addresses = [f"localhost:{port}" for port in _free_ports(launch.workers)]
    try:
        for number in range(launch.workers):
            environment = dict(os.environ)
            if launch.workers > 1:
                task = {"type": "worker", "index": number}
                config = {"cluster": {"worker": addresses}, "task": task}
                environment["TF_CONFIG"] = json.dumps(config)
            workers.append(_start(launch, number, environment))
        yield workers
    finally:
        _end(workers)


def _start(launch: Launch, number: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a worker; the first one speaks for all, others have a file each."""
    command = [*TRAIN, *launch.words]
    with contextlib.ExitStack() as held:
        out = None
        if number:
            with files.writing_below(launch.folder):
                launch.folder.mkdir(parents=True, exist_ok=True)
                out = held.enter_context((launch.folder / f"worker_{number}.log").open("ab"))
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C comes here, and goes to each once
            preexec_fn=functools.partial(executors.end_with, os.getpid()),
        )


def _wait(workers: Sequence[subprocess.Popen[bytes]]) -> tuple[int, int] | None:
    """Wait for all; return the number and status of one that failed, None if none did.

    When one fails the others cannot go on, though they may not see it: they are ended.
    """
    while True:
        statuses = [worker.poll() for worker in workers]
        if _failed(statuses):
            until = time.monotonic() + _GRACE
            while None in statuses and time.monotonic() < until:
                time.sleep(0.1)
                statuses = [worker.poll() for worker in workers]
            # a mistake that one names is why the others failed
            return min(_failed(statuses), key=lambda one: one[1] != UserError.status)
        if None not in statuses:
            return None
        time.sleep(0.1)


def _remove_logs_alone(folder: Path) -> None:
    """Leave nothing of a run that never began; one that did has other files."""
    logs = list(folder.iterdir()) if folder.is_dir() else []
    if logs and all(_LOG.fullmatch(path.name) for path in logs):
        for path in logs:
            path.unlink()
        folder.rmdir()


def _failed(statuses: Sequence[int | None]) -> list[tuple[int, int]]:
    return [(number, status) for number, status in enumerate(statuses) if status]


def _end(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask the workers that are left to end, then end them."""
    left = [worker for worker in workers if worker.poll() is None]
    for worker in left:
        worker.terminate()
    until = time.monotonic() + _GRACE
    for worker in left:
        try:
            worker.wait(max(0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _how(status: int) -> str:
    return f"with status {status}" if status > 0 else f"by {signal.Signals(-status).name}"


def _free_ports(number: int) -> list[int]:
    """Find ports that nobody listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
