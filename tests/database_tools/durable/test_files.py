"""Files that a killed writer left half written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from database_tools.core.errors import UserError
from database_tools.durable import files

WRITER = """
import sys, time
from pathlib import Path
from database_tools.durable import files
with files.replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that has begun to write a file and does not end."""
    words = [sys.executable, "-c", WRITER, tmp_path / "out.json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        yield process
        process.kill()


def _names(folder):
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("write", [files.write_text, files.write_json])
def test_what_a_killed_process_left_goes_when_another_writes_there(writer, tmp_path, write):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(_names(tmp_path)) == 1
    write(tmp_path / "other.json", "whole")
    assert _names(tmp_path) == ["other.json"]


def test_what_a_living_process_writes_stays(writer, tmp_path):
    files.write_text(tmp_path / "other.json", "whole")
    assert len(_names(tmp_path)) == 2


def test_a_folder_that_a_killed_process_drafted_goes(tmp_path):
    draft = files.neighbour(tmp_path / "version")
    dead = tmp_path / draft.name.replace(f"-{os.getpid()}-", "-4194305-")  # above any process
    elsewhere = tmp_path / ".version.00000000-4194305-1.tmp"
    for folder in (dead, elsewhere):
        (folder / "variables").mkdir(parents=True)
    files.remove_of_the_dead(tmp_path)
    assert _names(tmp_path) == [elsewhere.name]


def test_what_may_not_be_deleted_keeps_nobody_from_writing(tmp_path, monkeypatch):
    name = files.neighbour(tmp_path / "a.json").name.replace(f"-{os.getpid()}-", "-4194305-")
    left, unlink = tmp_path / name, Path.unlink
    left.touch()

    def refuse(path, **how):  # as a folder like /tmp does with another user's file
        if path == left:
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, **how)

    monkeypatch.setattr(Path, "unlink", refuse)
    files.write_text(tmp_path / "other.json", "whole")
    assert sorted(_names(tmp_path)) == [name, "other.json"]


def test_a_pipe_or_device_is_refused_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match=r"cannot write .*pipe: a device or a pipe"):
        files.write_text(pipe, "whole")
    assert pipe.is_fifo()
    assert _names(tmp_path) == ["pipe"]


def test_a_link_among_the_devices_is_refused_and_stays(tmp_path, monkeypatch):
    devices, stdout = tmp_path / "dev", tmp_path / "dev" / "stdout"
    devices.mkdir()
    (tmp_path / "redirected").touch()
    stdout.symlink_to(tmp_path / "redirected")
    monkeypatch.setattr(files, "_DEVICES", devices)
    with pytest.raises(UserError, match=r"cannot write .*stdout: a device"):
        files.write_text(stdout, "whole")
    assert stdout.is_symlink()
    assert _names(devices) == ["stdout"]


@pytest.mark.parametrize(
    "place", ["y" * 300, "loop/out.json", "loop/deep/out.json", "/proc/no/out"]
)
def test_a_place_that_no_disk_has_is_one_line(tmp_path, place):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="cannot write"):
        files.write_text(tmp_path / place, "whole")
    assert _names(tmp_path) == ["loop"]


def test_a_folder_that_goes_while_it_is_written_is_one_line_and_another_missing_file_none(tmp_path):
    path = tmp_path / "out" / "a.json"
    with pytest.raises(UserError, match="cannot write"), files.replacing(path):
        path.parent.rmdir()
    with pytest.raises(FileNotFoundError), files.writing_below(path):
        (tmp_path / "picture.jpg").read_bytes()
