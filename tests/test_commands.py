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


ANSWERS = """
import contextlib, io, runpy, sys
slow, *modules = sys.argv[1:]
for module in modules:
    for word, expected in (("-h", 0), ("--no_such_flag", 2)):
        said, sys.argv, status = io.StringIO(), [module, word], None
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            except SystemExit as end:
                status = end.code or 0
        lines = said.getvalue().strip().splitlines()
        told = lines[0].startswith("usage: ") if not expected else "error: " in lines[0]
        loaded = [name for name in slow.split() if sys.modules.pop(name, None)]
        if status != expected or not told or (expected and len(lines) > 1) or loaded:
            print(module, word, status, lines, loaded)
"""


def test_help_and_one_line_about_an_unknown_flag_load_nothing_slow():
    result = run("-c", ANSWERS, SLOW, *COMMANDS.values())
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


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
