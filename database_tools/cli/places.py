"""Arguments that name places: folders of this machine, or of an object store.

    add("image_dir", type=places.folder, help=...)          read where it is
    add("--tfrecords_output", type=places.output, help=...) built here, put there

An argument of another type takes no address, and says so.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from database_tools import remote
from database_tools.cli.parser import Parser
from database_tools.core.errors import UserError
from database_tools.remote import RemotePath, access, cache

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://?")


def folder(text: str) -> Path:
    """Take a folder, or file, that is read: of this machine, or at an address."""
    return _path(text)


def output(text: str) -> Path:
    """Take a folder that is written to."""
    return _path(text)


def output_file(text: str) -> Path:
    """Take a file that is written."""
    return _path(text)


def declare(parser: Parser) -> None:
    """Declare where what is fetched from stores, or built for them, lies on this machine."""
    schemes = ", ".join(f"{scheme}://" for scheme in access.SCHEMES)
    add = parser.add_argument_group(f"folders at {schemes} (additions)").add_argument
    text = "folder of this machine that keeps what was fetched, and holds outputs while they are "
    text += "built (default: keep nothing; outputs in ~/.cache/tf-classification)"
    add("--cache_dir", type=Path, metavar="FOLDER", help=text)
    text = f"most gigabytes of what was fetched (default: {cache.DEFAULT_GIGABYTES:g})"
    add("--cache_gb", type=float, metavar="GB", help=text)


@contextlib.contextmanager
def opened(parser: Parser, args: argparse.Namespace) -> Iterator[None]:
    """Within the block, outputs in stores are folders of this machine, put as they are written.

    Raises:
        UserError: if an argument has an address that cannot have one, or a store refuses.
    """
    given = {name: args.__dict__.pop(name, None) for name in ("cache_dir", "cache_gb")}
    if given["cache_gb"] is not None and not 0 < given["cache_gb"] < float("inf"):
        raise UserError(f"--cache_gb must be above 0, got {given['cache_gb']}")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment(**given))
        for action in parser._actions:
            value = getattr(args, action.dest, None)
            found = [v for v in (value if isinstance(value, list) else [value]) if _is_remote(v)]
            if not found:
                continue
            access.forget()
            if action.type in (output, output_file):
                from database_tools.stores import staging

                place = RemotePath(found[0])
                one = staging.staged(place, _local(), is_file=action.type is output_file)
                setattr(args, action.dest, stack.enter_context(one))
            elif action.type is not folder:
                name = action.option_strings[0] if action.option_strings else action.dest
                address = remote.path(found[0])
                raise UserError(f"{name} {address}: only a path of this machine is taken here")
        yield


def _path(text: str) -> Path:
    address = _ADDRESS.match(text)
    if address is None or address[0][-2:] != "//":
        return Path(text)
    if (scheme := address[1]) == "file":
        return Path(text[len("file://") :])
    if scheme not in access.SCHEMES:
        known = ", ".join(access.SCHEMES)
        raise argparse.ArgumentTypeError(f"{scheme}://...: no such kind of store; there are {known}")
    if "?" in text or "@" in text.partition("://")[2].partition("/")[0]:
        raise argparse.ArgumentTypeError(
            f"{scheme}://...: credentials stand in the environment, not in an address"
        )
    if not text.partition("://")[2].strip("/"):
        raise argparse.ArgumentTypeError(f"{scheme}://...: names no container")
    return RemotePath(text)


def _is_remote(value: object) -> bool:
    return isinstance(value, str | Path) and remote.is_address(value)


def _local() -> Path:
    """Return the folder of this machine for what belongs to stores."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(cache.FOLDER) or default / "tf-classification")


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
