"""Types of arguments that name places: of this machine, or in an object store.

    add("image_dir", type=arguments.folder, help=...)           read where it is
    add("--tfrecords_output", type=arguments.output, help=...)  built here, put there
    images_dir: Folder = flag(...)                              the same as a field

An argument of another type takes no address; ``cli.places`` says so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from database_tools.core.errors import UserError
from database_tools.remote import access
from database_tools.remote.remote_path import RemotePath

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def folder(text: str) -> Path:
    """Take a folder, or file, that is read: of this machine, or at an address."""
    address = _ADDRESS.match(text)
    if address is None:
        return Path(text)
    if (scheme := address[1]) == "file":
        return Path(text[len("file://") :])
    if scheme not in access.SCHEMES:
        known = ", ".join(access.SCHEMES)
        raise UserError(f"{scheme}://...: no such kind of store; there are {known}")
    if "?" in text or "@" in text.partition("://")[2].partition("/")[0]:
        raise UserError(f"{scheme}://...: credentials stand in the environment, not in an address")
    if not text.partition("://")[2].strip("/"):
        raise UserError(f"{scheme}://...: names no container")
    return RemotePath(text)


def output(text: str) -> Path:
    """Take a folder that is written to."""
    return folder(text)


def output_file(text: str) -> Path:
    """Take a file that is written."""
    return folder(text)


def folder_name(text: str) -> str:
    """Take a folder that is read, as a text."""
    return str(folder(text))


def output_name(text: str) -> str:
    """Take a folder that is written to, as a text."""
    return str(folder(text))


OUTPUTS = (output, output_file, output_name)
ALL = (folder, folder_name, *OUTPUTS)

Folder = Annotated[Path, folder]
FolderName = Annotated[str, folder_name]
Output = Annotated[Path, output]
OutputName = Annotated[str, output_name]
OutputFile = Annotated[Path, output_file]
