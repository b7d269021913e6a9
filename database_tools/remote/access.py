"""Asks object stores: what there is, and for bytes.  All that fsspec is used for is here.

A folder is listed once and remembered, as stores list a thousand names as fast as they tell of
one; ``forget`` begins anew.  Credentials are those of the stores' own tools, from the environment.
A store that refuses, or is not there, ends a run in one line; a missing file does not.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from database_tools.core.errors import UserError


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of store: the extra and the module that it needs, and where credentials are told."""

    extra: str
    module: str
    options: tuple[tuple[str, Any], ...]
    credentials: str


_RETRIES = {"retries": {"max_attempts": 6, "mode": "standard"}, "connect_timeout": 10}
_KINDS = {
    "az": _Kind(
        "azure",
        "adlfs",
        (("connection_timeout", 10), ("read_timeout", 60)),
        "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with "
        "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
    ),
    "s3": _Kind(
        "s3",
        "s3fs",
        (("config_kwargs", _RETRIES),),
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    ),
    "gs": _Kind("gs", "gcsfs", (), "GOOGLE_APPLICATION_CREDENTIALS"),
}
SCHEMES = tuple(_KINDS)

_CHATTER = ("azure", "adlfs", "s3fs", "botocore", "aiobotocore", "gcsfs", "google", "fsspec")
"""Loggers that tell of each request, with its address, and of errors that we tell in one line."""

_SINGLY = 16
"""Files of a folder that are asked about one by one before the folder is listed whole."""

_TIMES = ("last_modified", "LastModified", "mtime", "updated")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a store says of a file or folder.

    Attributes:
        is_folder: whether names lie below it.
        size: in bytes.
        time: of its last change, in nanoseconds; 0 where nobody says.
    """

    is_folder: bool
    size: int = 0
    time: int = 0


@dataclass
class _Known:
    """What was asked before.

    Attributes:
        listed: folder to its entries.
        asked: folder to how many of its files were asked about one by one.
        last: in each thread, the file that it read last: a picture is hashed, then decoded.
    """

    listed: dict[str, dict[str, Entry]]
    asked: Counter[str]
    last: threading.local


_known = _Known({}, Counter(), threading.local())


def forget() -> None:
    """Forget all listings and connections, as a new run has to."""
    _known.listed, _known.asked, _known.last = {}, Counter(), threading.local()
    filesystem.cache_clear()


@functools.cache
def filesystem(scheme: str) -> Any:
    """Return fsspec's file system of a kind of store.

    Raises:
        UserError: if its extra is not installed, or nothing says who asks.
    """
    kind = _KINDS[scheme]
    for name in _CHATTER:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with answered(f"{scheme}://"):
        try:
            importlib.import_module(kind.module)
            import fsspec
        except ImportError:
            advice = f'pip install -e ".[{kind.extra}]"'
            raise UserError(f"{scheme}:// needs {kind.module}: {advice}") from None
        options = {"use_listings_cache": False, "skip_instance_cache": True}
        made = fsspec.filesystem(scheme, **options, **dict(kind.options))
    if scheme == "az":
        _hasten(made)
    return made


def _hasten(azure: Any) -> None:
    """Have Azure's client try again soon: it waits 15 s first, and adlfs hands on no other wait."""
    with contextlib.suppress(AttributeError):
        policy = azure.service_client._config.retry_policy
        policy.initial_backoff, policy.increment_base = 1, 2
        for kind in ("total_retries", "connect_retries", "read_retries", "status_retries"):
            setattr(policy, kind, 5)


def stat(address: str) -> Entry:
    """Return what a store says of an address; raise FileNotFoundError if there is none."""
    folder, _, name = address.rpartition("/")
    if folder.endswith("/"):  # a container
        entries(address)
        return Entry(is_folder=True)
    if folder not in _known.listed and _known.asked[folder] < _SINGLY:
        _known.asked[folder] += 1
        with answered(address):
            return _entry(_fs(address).info(_bare(address)))
    if (found := entries(folder).get(name)) is None:
        raise FileNotFoundError(address)
    return found


def entries(folder: str) -> dict[str, Entry]:
    """Return what lies in a folder by name; raise FileNotFoundError if there is none."""
    if (known := _known.listed.get(folder)) is None:
        bare = _bare(folder)
        with answered(folder):
            rows = _fs(folder).ls(bare, detail=True)
        rows = [row for row in rows if row["name"].strip("/") != bare]
        if not rows and "/" in bare:
            raise FileNotFoundError(folder)
        known = {row["name"].rstrip("/").rpartition("/")[2]: _entry(row) for row in rows}
        _known.listed[folder] = known
    return known


def below(folder: str) -> dict[str, Entry]:
    """Return all files below a folder by their relative names, and remember each folder."""
    bare = _bare(folder)
    try:
        with answered(folder):
            rows = _fs(folder).find(bare, detail=True)
    except FileNotFoundError:
        rows = {}
    found = {
        name.strip("/")[len(bare) + 1 :]: _entry(row)
        for name, row in rows.items()
        if row["type"] != "directory" and name.strip("/") != bare
    }
    listed: dict[str, dict[str, Entry]] = {folder: {}} if found else {}
    for name, entry in found.items():
        *parents, last = name.split("/")
        here = folder
        for parent in parents:
            listed.setdefault(here, {})[parent] = Entry(is_folder=True)
            here = f"{here}/{parent}"
        listed.setdefault(here, {})[last] = entry
    _known.listed.update(listed)
    return found


def read(address: str, start: int | None = None, end: int | None = None) -> bytes:
    """Return a file's bytes, or those of a part; raise FileNotFoundError if there is none."""
    if getattr(_known.last, "address", None) == address:
        content: bytes = _known.last.content
        return content[start:end]
    with answered(address):
        content = _fs(address).cat_file(_bare(address), start=start, end=end)
    if start is None and end is None:
        _known.last.address, _known.last.content = address, content
    return content


def fetch(address: str, target: Path) -> None:
    """Bring a file to a path; half of it may be there when this raises."""
    with answered(address):
        _fs(address).get_file(_bare(address), str(target))


def put(source: Path, address: str) -> None:
    """Put a file whole in place of what is there."""
    with answered(address):
        _fs(address).put_file(str(source), _bare(address))


def remove(address: str) -> None:
    """Delete a file, there or not."""
    with contextlib.suppress(FileNotFoundError), answered(address):
        _fs(address).rm_file(_bare(address))


@contextlib.contextmanager
def answered(place: str) -> Iterator[None]:
    """Turn a store's errors into those of a disk, and what is no file's fault into one line.

    The words of the store's own errors are not told: they may hold keys.

    Raises:
        FileNotFoundError: if there is no such file or container.
        UserError: if the store refuses, or does not answer after several tries.
    """
    try:
        yield
    except (FileNotFoundError, IsADirectoryError):
        raise FileNotFoundError(place) from None
    except UserError:
        raise
    except Exception as error:
        if (status := _status(error)) == 404:
            raise FileNotFoundError(place) from None
        raise UserError(f"{place}: {_why(place, error, status)}") from None


def _why(place: str, error: Exception, status: int | None) -> str:
    said = f"({status or type(error).__name__})"
    kind = _KINDS[place.partition(":")[0]]
    nobody = ("Credential", "Auth", "connection_string", "account_name")
    if status in range(400, 408) or isinstance(error, PermissionError):
        return f"the store refuses {said}; credentials are told in {kind.credentials}"
    if any(word in f"{type(error).__name__} {error}" for word in nobody):
        return f"no credentials {said}; they are told in {kind.credentials}"
    return f"the store does not answer {said}; the same command again goes on"


def _status(error: BaseException | None) -> int | None:
    """Return the HTTP status that an error, or one behind it, tells of."""
    while error is not None:
        response = getattr(error, "response", None)
        table = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
        for found in (
            getattr(error, "status_code", None),
            getattr(error, "code", None),
            table.get("HTTPStatusCode"),
        ):
            if str(found).isdigit():
                return int(str(found))
        error = error.__cause__ or error.__context__
    return None


def _fs(address: str) -> Any:
    return filesystem(address.partition(":")[0])


def _bare(address: str) -> str:
    return address.partition("://")[2]


def _entry(row: dict[str, Any]) -> Entry:
    if row["type"] == "directory":
        return Entry(is_folder=True)
    when = next((row[key] for key in _TIMES if row.get(key)), None)
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    # By whole microseconds: a float of seconds has not all of them.
    since = when.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC) if when else None
    time = 0 if since is None else (since.days * 86400 + since.seconds) * 10**6 + since.microseconds
    return Entry(False, int(row["size"] or 0), time * 1000)
