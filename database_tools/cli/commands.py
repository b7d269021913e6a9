"""The installed command: ``tf-classification NAME ...`` runs the command of that name.

The commands are the files in the roots of the three packages; there is no other list.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from database_tools.cli import console, status
from database_tools.cli.parser import DISTRIBUTION, did_you_mean, version

PACKAGES = ("database_tools", "tf_classification", "slim_legacy")

_ROOT = Path(__file__).parents[2]


def commands() -> dict[str, str]:
    """Return each command's name and the module that it is, in the order of PACKAGES."""
    return {
        file.stem: f"{package}.{file.stem}"
        for package in PACKAGES
        for file in sorted((_ROOT / package).glob("*.py"))
        if not file.stem.startswith("__")
    }


def summary(module: str) -> str:
    """Return the first line of a command's docstring without importing it."""
    source = (_ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first word names and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    table = commands()
    if not words or words[0] in ("-h", "--help"):
        lines = [f"  {name:<40} {summary(module)}" for name, module in table.items()]
        return _print(f"usage: {DISTRIBUTION} COMMAND [-h] ...\n\ncommands:", *lines)
    if words[0] == "--version":
        return _print(f"{DISTRIBUTION} {version()}")
    name = words[0].replace("-", "_")
    if name not in table:
        hint = did_you_mean(words[0], list(table)) or "; see -h"
        print(f"{DISTRIBUTION}: error: no command {words[0]!r}{hint}", file=sys.stderr)
        return 2
    return int(importlib.import_module(table[name]).main(words[1:]))


def _print(*lines: str) -> int:
    def work() -> None:
        with console.reader_may_leave():
            print("\n".join(lines))

    return status.answer(DISTRIBUTION, work)


if __name__ == "__main__":
    raise SystemExit(main())
