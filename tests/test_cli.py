"""The manners that every command shares."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from database_tools import cli
from database_tools.cli import chatter
from database_tools.core.errors import FormatError, UserError
from database_tools.remote import arguments

ROOT = Path(__file__).parents[1]


@pytest.fixture
def parser():
    parser = cli.Parser("thing.py", "Do a thing.")
    parser.add_argument("--test_fraction", type=float, default=0.2)
    parser.add_argument("--square-crops", action="store_true")
    parser.add_argument("names", nargs="*")
    return parser


@pytest.mark.parametrize("flag", ["--test_fraction", "--test-fraction"])
def test_dash_and_underscore_are_one(parser, flag):
    assert parser.parse_args([flag, "0.5"]).test_fraction == 0.5
    assert parser.parse_args([f"{flag}=0.5"]).test_fraction == 0.5


def test_values_and_words_after_two_dashes_keep_their_spelling(parser):
    args = parser.parse_args(["a_b-c", "--", "--square_crops"])
    assert args.names == ["a_b-c", "--square_crops"]
    assert not args.square_crops


def test_an_abbreviation_is_an_error(parser, capsys):
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--test", "0.5"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("--test-fractoin=0.5", "--test_fraction"),  # two letters changed places
        ("--square_crop", "--square-crops"),  # the other spelling of the dash, a letter less
        ("--threshold", None),  # nothing near
    ],
)
def test_an_unknown_flag_is_told_which_one_was_meant(parser, capsys, word, meant):
    with pytest.raises(SystemExit) as end:
        parser.parse_args([word])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"thing.py: error: unrecognized arguments: {word}")
    assert (f"; did you mean {meant}? (see" in said) == (meant is not None)
    assert ("did you mean" in said) == (meant is not None)


def test_the_signature_of_a_sas_is_struck_out_of_whatever_is_said(parser, capsys):
    secret = "https://a/c?sp=r&sig=SECRET%3D&se=2030"
    with pytest.raises(SystemExit):
        parser.parse_args([f"--url={secret}"])

    def work(args):
        logging.getLogger("other.library").warning("GET %s", secret)
        raise UserError(f"no {secret}")

    assert cli.run(parser, work, []) == 2
    said = capsys.readouterr().err
    assert said.count("sig=...&se=2030") == 3
    assert "SECRET" not in said


def test_what_threads_log_after_a_command_goes_nowhere_it_wrote(parser, capsys):
    log = logging.getLogger("other.library")
    assert cli.run(parser, lambda args: log.info("within"), []) == 0
    log.info("after")
    assert capsys.readouterr().err == "within\n"


def test_every_command_tells_its_version(parser, capsys):
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--version"])
    assert not end.value.code
    assert capsys.readouterr().out.startswith("thing.py ")


@pytest.mark.parametrize(
    "line",
    [
        b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        b"I0000 00:00:1795832634.965085   10540 port.cc:153] oneDNN custom operations are on.",
        b"To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow",
        b"E0000 00:00:1 2 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed"
        b" call to cuInit: UNKNOWN ERROR (303)",
        b"W0000 00:00:1 2 tf_tfl_flatbuffer_helpers.cc:365] Ignored output_format.",
    ],
)
def test_what_tensorflow_says_to_nobody_is_chatter(line):
    assert chatter.is_chatter(line)


@pytest.mark.parametrize(
    "line",
    [
        b"W0000 00:00:1 2 allocator.cc:1] Allocation of 1 exceeds 10% of free system memory.",
        b"E0000 00:00:1 2 cuda_platform.cc:52] failed call to cuInit: CUDA_ERROR_OUT_OF_MEMORY",
        b"F0000 00:00:1 2 x.cc:1] Check failed",
        b"Is this INFO: no",
    ],
)
def test_a_warning_is_not_chatter(line):
    assert not chatter.is_chatter(line)


def test_chatter_is_kept_from_file_two_and_nothing_else():
    program = (
        "import os, sys\n"
        "from database_tools.cli import chatter\n"
        "with chatter.kept_back():\n"
        "    os.write(2, b'I0000 00:00:1 x\\nW0000 00:00:1 y\\n')\n"
        "    print('python', file=sys.stderr)\n"
        "    if sys.argv[1:]:\n"
        "        os.write(2, b'F0000 z\\n')\n"
        "        os.abort()\n"
        "os.write(2, b'I0000 00:00:1 after\\n')\n"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert sorted(ended.stderr.splitlines()) == [
        "I0000 00:00:1 after",
        "W0000 00:00:1 y",
        "python",
    ]
    died = subprocess.run([*command, "x"], capture_output=True, text=True, cwd=Path.cwd())
    assert "F0000 z" in died.stderr  # the last words of a process that aborts


def test_a_child_that_outlives_a_command_is_not_waited_for():
    program = (
        "import os, subprocess, sys\n"
        "from database_tools.cli import chatter\n"
        "with chatter.kept_back():\n"
        "    child = subprocess.Popen(['sh', '-c', 'read x; echo late >&2'], stdin=-1)\n"
        "    os.write(2, b'no line end')\n"
        "print('still there:', child.poll() is None, file=sys.stderr)\n"
        "child.communicate(b'\\n')\n"
    )
    # One that was waited for would wait for us, for ever.
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert ended.stderr == b"no line endstill there: True\nlate\n"


def test_a_users_mistake_is_one_line_and_status_two(parser, capsys):
    def work(args):
        raise UserError("--threshold must be in [0, 1], got 90")

    assert cli.run(parser, work, []) == 2
    assert capsys.readouterr().err == "thing.py: error: --threshold must be in [0, 1], got 90\n"


def test_a_bug_keeps_its_traceback(parser):
    with pytest.raises(ZeroDivisionError):
        cli.run(parser, lambda args: 1 // 0, [])


def test_interrupted_is_130_and_done_is_0(parser, capsys):
    def interrupt(args):
        raise KeyboardInterrupt

    assert cli.run(parser, interrupt, []) == 130
    assert cli.run(parser, lambda args: None, []) == 0
    assert cli.run(parser, lambda args: 3, []) == 3


@pytest.fixture
def clock(monkeypatch):
    """A clock that progress looks at, and that a test sets."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(sys.modules["database_tools.cli.progress"], "time", clock)
    return clock


def test_progress_soon_says_how_fast_and_how_long_and_then_more_rarely(clock, caplog):
    caplog.set_level("INFO")
    for _ in cli.progress(range(200), desc="counting"):
        clock.now += 1
    assert [int(m.split()[1]) for m in caplog.messages] == [5, 15, 30, 60, 120, 180]
    assert caplog.messages[0] == "counting: 5 of 200, 1.0 per second"  # too few to say more
    assert caplog.messages[1] == "counting: 15 of 200, 1.0 per second, 3 min left"
    assert caplog.messages[-1] == "counting: 180 of 200, 1.0 per second, 20 s left"


def test_progress_of_long_steps_says_each_once(clock, caplog):
    caplog.set_level("INFO")
    for _ in cli.progress(range(3)):
        clock.now += 100
    assert [m.split(",")[0] for m in caplog.messages] == [f"progress: {i} of 3" for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("seconds", "said"), [(59, "59 s"), (60, "1 min"), (3599, "1 h 0 min"), (11100, "3 h 5 min")]
)
def test_a_duration_is_said_as_people_do(seconds, said):
    assert sys.modules["database_tools.cli.progress"]._duration(seconds) == said


def test_progress_yields_everything():
    assert list(cli.progress(range(3), desc="counting")) == [0, 1, 2]


def test_a_format_error_names_file_place_and_rule():
    error = FormatError("cct.json", "images[17]", 'no key "location"')
    assert str(error) == 'cct.json: images[17]: no key "location"'


COMMAND = """
import os, socket, sys
from database_tools import cli

def work(args):
    if args.what == "print":
        while True:
            print("x" * 1000)
    if args.what == "word":
        print("x")
    if args.what == "open":
        with open(args.file, "w") as file:
            os.write(2, b"from C++")
            os.write(1, b"from C++")
            print(sys.stdin.read(), file=sys.stderr)
            file.write("mine")
    if args.what == "socket":
        ours, theirs = socket.socketpair()
        theirs.close()
        ours.sendall(b"x")
    if args.what == "name":
        print("caf\\u00e9 \\U0001f98a \\udce9")
        raise cli_error("no such file: 'a\\nb\\u2028\\u00e9.jpg'")

from database_tools.core.errors import UserError as cli_error
parser = cli.Parser("thing.py")
parser.add_argument("what")
parser.add_argument("file", nargs="?")
raise SystemExit(cli.run(parser, work))
"""


def thing(*words, **options):
    """Start a command that does what is said."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, "-c", COMMAND, *words], **pipes)


def test_a_reader_that_has_enough_is_no_error():
    with thing("print") as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("what", ["print", "word", "--version", "-h"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk at hand")
def test_an_output_that_the_disk_has_no_room_for_is_one_line(what):
    with Path("/dev/full").open("wb") as full, thing(what, stdout=full) as process:
        said = process.stderr.read().splitlines()
    assert said == [b"thing.py: error: cannot write: No space left on device"]
    assert process.returncode == 2


@pytest.mark.parametrize("word", ["--version", "-h"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk at hand")
def test_the_list_of_commands_on_a_full_disk_is_one_line(word):
    words = [sys.executable, "-m", "database_tools.cli.commands", word]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert ended.stderr == "tf-classification: error: cannot write: No space left on device\n"
    assert ended.returncode == 2


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_consoles_lead_nowhere_and_not_into_the_next_file(closed, tmp_path):
    words = [sys.executable, "-c", COMMAND, "open", str(tmp_path / "file")]
    line = f"{shlex.join(words)} {closed}"
    assert subprocess.run(line, shell=True, stdin=subprocess.DEVNULL).returncode == 0
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("stdout", [subprocess.PIPE, subprocess.DEVNULL])
def test_a_broken_pipe_of_a_socket_inside_the_work_is_not_taken_for_stdouts(stdout):
    with thing("socket", stdout=stdout) as process:
        assert b"BrokenPipeError" in process.stderr.read()
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("cp1252", b"caf\xe9 ? ?"), ("ascii", b"caf? ? ?"), ("utf-8", "café \U0001f98a ?".encode())],
)
def test_what_a_console_cannot_show_is_a_question_mark(encoding, shown):
    with thing("name", env={**os.environ, "PYTHONIOENCODING": encoding}) as process:
        assert process.stdout.read().splitlines() == [shown]
        said = process.stderr.read().splitlines()
    assert process.returncode == 2
    assert len(said) == 1  # the breaks of the name are spelled
    assert said[0].startswith(b"thing.py: error: no such file: 'a\\nb\\u2028")


@pytest.mark.parametrize(
    "command", ["database_tools.cli.commands", "database_tools.make_classification_dataset"]
)
def test_help_that_nobody_reads_to_its_end_is_no_error(command):
    words = f"{shlex.quote(sys.executable)} -m {command} -h"
    line = f"set -o pipefail; {words} | true"
    ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("kind", "place", "said"),
    [
        (arguments.output, "file", "is a file, expected a folder to write to"),
        (arguments.output_name, "file", "is a file, expected a folder to write to"),
        (arguments.output_file, "folder", "is a folder, expected a file to write"),
        (arguments.output_file, "pipe", "cannot write pipe: a device or a pipe"),
        (arguments.output, "file/below", None),
        (arguments.output, "folder", None),
        (arguments.output_file, "file", None),
        (arguments.output_file, "new", None),
        (arguments.output, "y" * 300, "File name too long"),
    ],
)
def test_an_output_of_the_wrong_kind_ends_a_command_before_its_work(
    tmp_path, monkeypatch, capsys, kind, place, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("content")
    os.mkfifo("pipe")
    parser = cli.Parser("thing.py", "Do a thing.")
    parser.add_argument("out", type=kind)
    assert cli.run(parser, lambda args: 7, [place]) == (7 if said is None else 2)
    assert (said or "") in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "content"
