"""The README and the pages of docs/: short, linked, and in step with the commands."""

from __future__ import annotations

import re
from pathlib import Path

from database_tools.cli import commands as dispatcher

ROOT = Path(__file__).parents[1]
PAGES = {
    p.name: p.read_text(encoding="utf-8")
    for p in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
}
COMMANDS = dispatcher.commands()


def test_only_pages_that_quote_the_readmes_call_files():
    quoting = {"azure.md", "azure-services.md", "legacy.md", "bespoke.md", "run-a-model.md"}
    assert {
        name for name, page in PAGES.items() if re.search(r"^ ?python \S+\.py", page, re.M)
    } == quoting


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


def test_the_readme_shows_its_two_commands():
    assert "\nbash scripts/demo.sh\n" in PAGES["README.md"]
    assert "\nbash scripts/test.sh\n" in PAGES["README.md"]
