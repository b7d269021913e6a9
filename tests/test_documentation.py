"""The README and the pages of docs/: short, linked, and in step with the commands."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from database_tools.cli import commands as dispatcher

ROOT = Path(__file__).parents[1]
PAGES = {
    p.name: p.read_text(encoding="utf-8")
    for p in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
}
COMMANDS = dispatcher.commands()


def lines() -> list[str]:
    """The command lines of all ``bash`` blocks, continued lines joined, comments left out."""
    blocks = [
        b for page in PAGES.values() for b in re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    ]
    text = "\n".join(blocks).replace("\\\n", " ")
    listed = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    return list(dict.fromkeys(listed))


def words_of(line: str) -> list[str]:
    """The words before a pipe or a redirection, variables for settings taken off in front."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    ends = [i for i, word in enumerate(words) if word in ("|", "||", ">", ">>", "2>", "&&", "&")]
    return words[: ends[0]] if ends else words


def command_and_arguments(words: list[str]) -> tuple[str, list[str]] | None:
    if words[:1] == ["tf-classification"] and len(words) > 1:
        return words[1], words[2:]
    if words[:2] == ["python", "-m"] and words[2].split(".")[0] in dispatcher.PACKAGES:
        return words[2].split(".")[-1], words[3:]
    if words[:1] == ["python"] and words[1].endswith(".py"):
        return Path(words[1]).stem, words[2:]
    return None


LINES = lines()


@pytest.mark.parametrize("line", [x for x in LINES if command_and_arguments(words_of(x))])
def test_command_line_is_understood(line):
    found = command_and_arguments(words_of(line))
    assert found is not None
    name, arguments = found
    if name not in COMMANDS:
        script = words_of(line)[1]
        assert (ROOT / script).is_file(), f"{script} is neither a command nor a file"
        return
    if "-h" in arguments:
        return
    importlib.import_module(COMMANDS[name]).build_parser().parse_args(arguments)


def test_the_readme_leads_to_every_page_that_people_wrote():
    links = re.findall(r"\]\((?!https?:)(.*?)\)", PAGES["README.md"])
    assert [link for link in links if not (ROOT / link).is_file()] == []
    made = {"README.md", "index.md", "formats.md", "contributing.md", "changes.md"}
    written = {name for name in PAGES if name not in made and not name.startswith("commands")}
    assert sorted(written - {Path(link).name for link in links}) == []


def test_lines_are_short_and_the_readme_is_two_screens():
    long = [
        f"{name}:{i}"
        for name, page in PAGES.items()
        for i, line in enumerate(page.splitlines(), 1)
        if len(line) > 120
    ]
    assert long == []
    assert len(PAGES["README.md"].splitlines()) <= 150


def test_every_command_is_told_of_in_a_page_that_people_wrote():
    pages = "\n".join(page for name, page in PAGES.items() if name != "README.md")
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", pages)] == []


@pytest.mark.parametrize("line", [x for x in LINES if words_of(x)[:1] == ["bash"]])
def test_script_exists(line):
    script = words_of(line)[1]
    assert any((ROOT / folder / script).is_file() for folder in ("", "slim_legacy")), script


def test_the_readme_shows_its_two_commands():
    assert "bash scripts/demo.sh" in LINES
    assert "bash scripts/test.sh" in LINES
