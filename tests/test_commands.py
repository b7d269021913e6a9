"""Every command: runs in four ways, answers -h quickly, and says what is wrong in one line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from database_tools.cli import commands as dispatcher

ROOT = Path(__file__).parents[1]
COMMANDS = dispatcher.commands()
SLOW = "tensorflow keras pandas sklearn matplotlib pycocotools torch"


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_readme_lists_every_command_and_no_other():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- commands -->")[2].partition("<!-- end of commands -->")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_loads_nothing_slow(name):
    program = (
        "import sys\n"
        f"from {COMMANDS[name]} import main\n"
        "try:\n    main(['-h'])\nexcept SystemExit as end:\n    assert not end.code\n"
        f"loaded = [m for m in '{SLOW}'.split() if m in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    result = run("-c", program)
    assert result.returncode == 0, result.stderr
    assert "usage:" in result.stdout.lower()


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_flag_is_one_line_and_status_two(name):
    result = run("-m", COMMANDS[name], "--no_such_flag")
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "error:" in result.stderr


@pytest.mark.parametrize("name", list(COMMANDS)[:1])
def test_a_command_runs_in_four_ways(name):
    package, _, stem = COMMANDS[name].partition(".")
    by_path = run(f"{package}/{stem}.py", "-h")
    in_folder = run(f"{stem}.py", "-h", cwd=ROOT / package)
    as_module = run("-m", COMMANDS[name], "-h")
    installed = run("-m", "database_tools.cli.commands", name, "-h")
    outputs = {by_path.stdout, in_folder.stdout, as_module.stdout}
    assert len(outputs) == 1
    assert by_path.stdout.startswith("usage:")
    assert installed.returncode == 0


def test_the_dispatcher_lists_commands_and_refuses_others(capsys):
    assert dispatcher.main(["-h"]) == 0
    listed = capsys.readouterr().out  # reading it empties it
    assert all(name in listed for name in COMMANDS)
    assert dispatcher.main(["no_such_command"]) == 2
    assert "no_such_command" in capsys.readouterr().err
    assert dispatcher.main(["train-clasifier"]) == 2
    assert "did you mean train_classifier?" in capsys.readouterr().err
    assert dispatcher.main(["--version"]) == 0
    assert re.match(r"tf-classification \S+", capsys.readouterr().out)
