"""Folders in object stores, for commands whose arguments take them (``remote.arguments``)."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from database_tools import remote
from database_tools.core.errors import UserError
from database_tools.durable import files
from database_tools.remote import RemotePath, access, arguments, cache


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare where what is fetched from stores, or built for them, lies on this machine."""
    schemes = ", ".join(f"{scheme}://" for scheme in access.SCHEMES)
    add = parser.add_argument_group(f"folders at {schemes} (additions)").add_argument
    text = "folder of this machine that keeps what was fetched, and holds outputs while they are "
    text += "built (default: keep nothing; outputs in ~/.cache/tf-classification)"
    add("--cache_dir", type=Path, metavar="FOLDER", help=text)
    text = f"most gigabytes of what was fetched (default: {cache.DEFAULT_GIGABYTES:g})"
    add("--cache_gb", type=float, metavar="GB", help=text)


@contextlib.contextmanager
def opened(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Iterator[None]:
    """Within the block, outputs in stores are folders of this machine, put as they are written.

    Raises:
        UserError: if an argument has an address that cannot have one, a store refuses, or an
            output is a file where a folder is to be, or the reverse.
    """
    given = {name: args.__dict__.pop(name, None) for name in ("cache_dir", "cache_gb")}
    if given["cache_gb"] is not None and not 0 < given["cache_gb"] < float("inf"):
        raise UserError(f"--cache_gb must be above 0, got {given['cache_gb']}")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment(**given))
        for action in parser._actions:
            value = getattr(args, action.dest, None)
            values = value if isinstance(value, list) else [value]
            texts = [str(v) for v in values if isinstance(v, str | Path)]
            found = [remote.path(text) for text in texts if remote.is_address(text)]
            is_file = action.type is arguments.output_file
            if not found:
                if action.type in arguments.OUTPUTS and texts:
                    _check_kind(Path(texts[0]), is_file=is_file)
                continue
            access.forget()
            if action.type in arguments.OUTPUTS:
                from database_tools.stores import staging

                one = staging.staged(RemotePath(found[0]), cache.local(), is_file=is_file)
                local = stack.enter_context(one)
                setattr(args, action.dest, str(local) if isinstance(value, str) else local)
            elif action.type in (Path, str):
                name = action.option_strings[0] if action.option_strings else action.dest
                raise UserError(f"{name} {found[0]}: only a path of this machine is taken here")
        yield


def _check_kind(path: Path, *, is_file: bool) -> None:
    """Raise UserError before anything is computed for an output that cannot be written there."""
    with files.writing_below(path):
        if is_file:
            files.refuse_device(path)
            if path.is_dir():
                raise UserError(f"{path}: is a folder, expected a file to write")
        elif path.exists() and not path.is_dir():
            raise UserError(f"{path}: is a file, expected a folder to write to")


@contextlib.contextmanager
def _environment(cache_dir: Path | None, cache_gb: float | None) -> Iterator[None]:
    """Tell this process and its workers of the cache, within the block."""
    said = {cache.FOLDER: cache_dir and str(cache_dir.absolute()), cache.GIGABYTES: cache_gb}
    before = {name: os.environ.get(name) for name in said}
    try:
        os.environ.update({n: str(value) for n, value in said.items() if value is not None})
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
