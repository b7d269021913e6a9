"""The generated pages: every command from its parser, every file format from its docstring.

They are written while Sphinx reads them, so there is no copy that could grow old.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from database_tools.cli import commands

ROOT = Path(__file__).parents[1]
# Modules that several formats are read with document no file of their own.
SHARED = {"coco", "csv_table", "json_stream", "npz", "numpy_pickle"}
FORMATS = [
    *(f for f in (ROOT / "database_tools/formats").glob("[a-z]*.py") if f.stem not in SHARED),
    ROOT / "tf_classification/models/bundle.py",
]


def overview() -> str:
    """Return a list of all commands, by package, that leads to each."""
    lines = []
    for package in commands.PACKAGES:
        lines += [f"**`{package}`**", ""]
        for name, module in commands.commands().items():
            if module.startswith(f"{package}."):
                target = f"{_page_of(package)}.md#{name}"
                lines.append(f"- [`{name}`]({target}): {_plain(commands.summary(module))}")
        lines.append("")
    return "\n".join(lines)


def package_page(package: str) -> str:
    """Return a section for each command of a package: what it is, usage, arguments."""
    modules = [m for m in commands.commands().values() if m.startswith(f"{package}.")]
    return "\n".join(line for module in modules for line in _command(module))


def formats() -> str:
    """Return a section for each module that documents a file format, by its heading."""
    documents = [ast.get_docstring(ast.parse(f.read_text("utf-8")), clean=False) for f in FORMATS]
    sections = [_format(document) for document in documents if document]
    return "\n".join(sorted(sections, key=lambda text: re.sub(r"\W", "", text).casefold()))


def _page_of(package: str) -> str:
    return f"commands-{package.replace('_', '-')}"


PAGES = {
    "commands": overview,
    "formats": formats,
    **{_page_of(package): partial(package_page, package) for package in commands.PACKAGES},
}


def setup(app: Sphinx) -> None:
    """Complete the pages above when they are read, and have them read when they change."""
    app.connect("env-get-outdated", _outdated)
    app.connect("source-read", _complete)


def _outdated(_: Sphinx, env: BuildEnvironment, *_changes: set[str]) -> list[str]:
    before = getattr(env, "generated", {})
    env.generated = {page: write() for page, write in PAGES.items()}  # kept with the pages
    return [page for page, text in env.generated.items() if text != before.get(page)]


def _complete(_: Sphinx, page: str, text: list[str]) -> None:
    if page in PAGES:
        text[0] += "\n" + PAGES[page]()


def _command(module: str) -> Iterator[str]:
    parser = importlib.import_module(module).main.build_parser()
    parser.formatter_class = partial(argparse.RawDescriptionHelpFormatter, width=88)
    help_of = parser._get_formatter()._expand_help
    name = module.rpartition(".")[2]
    yield f"## {name}\n\n```{{program}} {name}\n```\n"  # whose options the search then finds
    yield from _paragraphs(parser.description)
    yield from ("```text", parser.format_usage().strip(), "```\n")
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        actions = [action for action in actions if "--help" not in action.option_strings]
        if actions:
            yield f"**{_plain(group.title)}**\n"
        for action in actions:
            names = action.option_strings or [action.metavar or action.dest]
            value = parser._get_formatter()._format_args(action, action.dest.upper())
            shown = f"{', '.join(names)} {value if action.option_strings else ''}".strip()
            told = _plain(help_of(action)) if action.help else ""
            yield f"````{{option}} {shown}\n{told}\n````\n"


def _paragraphs(text: str) -> Iterator[str]:
    """Yield a help text as Markdown: what is indented is an example, the rest is plain."""
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        if part.startswith("    "):
            yield f"```text\n{textwrap.dedent(part)}\n```\n"
        else:
            yield f"{_plain(part)}\n"


def _plain(text: str) -> str:
    """Escape what Markdown would take for markup."""
    return re.sub(r"([\\`*_\[\]<>#$|~{}])", r"\\\1", text)


def _format(document: str) -> str:
    """Turn a docstring into a section: heading, and the rest as the reStructuredText it is."""
    first, _, rest = document.strip().partition("\n")
    heading, colon, lead = first.partition(": ")
    heading = heading.rstrip(".:").replace("``", "`")
    body = f"{lead[:1].upper()}{lead[1:]}\n{rest}" if colon else rest
    # An example is indented, after an empty line; reStructuredText wants to be told.
    body = re.sub(r"(?<=\n)(?<!::\n)\n(?=    )", "\n::\n\n", "\n\n" + body.strip("\n"))
    return f"## {heading}\n\n```````{{eval-rst}}\n{body.strip()}\n```````\n"
