"""One run in a folder at a time, on every system, and none kept out by a disk that cannot lock."""

import errno
import subprocess
import sys

import filelock
import pytest

from database_tools.core.errors import UserError
from database_tools.durable import locks

HOLD = """
import sys, time
from pathlib import Path
from database_tools.durable import locks
with locks.locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_keeps_others_out_until_its_process_is_killed(tmp_path):
    path = tmp_path / "state" / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(UserError, match=r"state: another run is writing here"),
            locks.locked(path),
        ):
            pass
        holder.kill()
    with locks.locked(path):
        pass


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_that_cannot_lock_is_a_warning(tmp_path, monkeypatch, caplog, number):
    def refuse(lock):
        raise OSError(number, "cannot lock")

    monkeypatch.setattr(filelock.FileLock, "_acquire", refuse)
    done = []
    with locks.locked(tmp_path / "lock"):
        done.append(True)
    assert done
    assert "no lock (cannot lock)" in caplog.text


def test_a_run_that_is_just_ending_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE", 60)  # it sleeps longer than it says, at times
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD.replace("60", "0.3"), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with locks.locked(path):
            pass
