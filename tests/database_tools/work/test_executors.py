"""Processes of this machine, and what ends them."""

import multiprocessing
import signal

import pytest

from database_tools.work import executors


def test_a_second_ctrl_c_while_workers_are_waited_for_kills_them(monkeypatch):
    workers = executors.Processes(2)
    workers.submit(abs, -1).result()
    with monkeypatch.context() as patched:

        def interrupted(*_, **__):
            raise KeyboardInterrupt

        patched.setattr(workers._pool, "shutdown", interrupted)
        (process,) = workers._pool._processes.values()
        # other tests' may live in this process
        patched.setattr(multiprocessing, "active_children", lambda: [process])
        with pytest.raises(KeyboardInterrupt):
            workers.shutdown()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    workers.shutdown()
