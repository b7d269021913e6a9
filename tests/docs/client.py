"""What ``python``, ``tf-classification`` and ``tensorboard`` are while a page is run.

Commands of this checkout run in a fork of ``warm.py``, which has TensorFlow imported; all else
runs in the Python of the tests.  Words, folder, environment, streams and signals are the caller's.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

ROOT = Path(os.environ["DOCS_ROOT"])
PACKAGES = ("database_tools", "tf_classification", "slim_legacy")


def module_and_words(name, words):
    """The module to run and its words; no module where it is none of ours."""
    if name == "tf-classification":
        return "database_tools.cli.commands", words
    if name == "tensorboard":
        return "tensorboard.main", words
    if words[:1] == ["-m"] and words[1].partition(".")[0] in PACKAGES:
        return words[1], words[2:]
    if words and words[0].endswith(".py"):
        stem = Path(words[0]).stem  # wherever the original has it
        for package in PACKAGES:
            if (ROOT / package / f"{stem}.py").exists():
                return f"{package}.{stem}", words[1:]
    return None, words


def main():
    module, words = module_and_words(Path(sys.argv[0]).name, sys.argv[1:])
    if module is None:
        os.execv(sys.executable, [sys.executable, *words])
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.environ["DOCS_SOCKET"])
    folder, environ = str(Path.cwd()), dict(os.environ)
    job = {"module": module, "words": words, "folder": folder, "environ": environ}
    socket.send_fds(server, [json.dumps(job).encode()], [0, 1, 2])
    server.shutdown(socket.SHUT_WR)
    answers = server.makefile()
    command = int(answers.readline())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(command, number))
    status = int(answers.readline() or 1)
    raise SystemExit(status if status >= 0 else 128 - status)


main()
