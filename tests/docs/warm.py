"""A process that has imported TensorFlow once, and forks for each command of a page.

    python warm.py SOCKET

The import alone starts nothing that a fork could lose: TensorFlow's threads come with the first
operation, so a forked command begins where a fresh one would be some seconds after its start.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import sys


def receive(connection):
    """The job that a client sent, and its three streams."""
    data, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while more := connection.recv(1 << 20):
        data += more
    return json.loads(data), streams


def run(job, streams):
    """Be the command; end as Python ends."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environ"])
    sys.argv = ["", *job["words"]]
    runpy.run_module(job["module"], run_name="__main__", alter_sys=True)


def serve(listener):
    """Fork for each client one process that waits, and one from that which is the command."""
    while True:
        connection, _ = listener.accept()
        if waiter := os.fork():
            connection.close()
            os.waitpid(waiter, 0)
            continue
        if os.fork():  # so that nobody waits for the waiter
            os._exit(0)
        job, streams = receive(connection)
        if (command := os.fork()) == 0:
            connection.close()
            listener.close()
            return run(job, streams)
        for stream in streams:
            os.close(stream)
        connection.sendall(f"{command}\n".encode())
        _, status, used = os.wait4(command, 0)
        print(f"{used.ru_utime + used.ru_stime:6.1f} s of processors: {' '.join(job['words'])}")
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        sys.stdout.flush()
        os._exit(0)


def main():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end with the tests
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    gc.freeze()  # else each fork would touch, and so copy, every object at its end
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    serve(listener)


if __name__ == "__main__":
    main()
