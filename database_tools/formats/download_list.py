"""Lists of pictures to download: a text file of names, or JSON.

Text has ``<dataset>/<file>`` on each line, as ``identify_mislabeled_candidates.py`` writes it; the
picture is saved under the same path.  JSON is a list of entries, or an object with one:

    [{"dataset": "caltech", "file": "a/b.jpg", "download_id": "7f3a", "new_entry": true}, ...]

An entry without ``dataset`` has ``file`` ``<dataset>/<file>``; in one with it, ``file`` is without
the prefix that the label database has of the dataset.  Its picture is saved under the key
that the user names (``download_id`` unless told otherwise) with the ending of ``file``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from database_tools.core.errors import FormatError, shown
from database_tools.durable import files


def read_text(path: Path) -> Iterator[str]:
    """Yield the names, without empty lines; errors as ``files.read_text``."""
    for line in files.read_text(path).split("\n"):
        if name := line.rstrip("\r"):
            yield name


def read_json(
    path: Path,
    save_key: str,
    key: str | None = None,
    name_of: Callable[[str, str], str] = "{}/{}".format,
    *,
    only_new: bool = False,
) -> Iterator[tuple[str, str]]:
    """Yield the name of each picture in its store, and the name to save it under.

    The list is ``key`` of the object at the top level; ``name_of`` takes dataset and file.
    """
    table = files.read_json(path)
    if key is not None:
        if not isinstance(table, dict) or key not in table:
            found = ", ".join(table) if isinstance(table, dict) else "a list"
            raise FormatError(path, "top level", f"no key {key!r}; found {found}")
        table = table[key]
    if not isinstance(table, list):
        hint = "" if key is not None else "; say --key of which member is one"
        raise FormatError(path, key or "top level", f"expected a list{hint}")
    for i, entry in enumerate(table):
        try:
            if not only_new or entry.get("new_entry"):
                yield _names(entry, save_key, name_of)
        except (ValueError, AttributeError, TypeError) as error:
            raise FormatError(path, f"[{i}]", f"{error}, got {shown(entry)}") from None


def _names(entry: Any, save_key: str, name_of: Callable[[str, str], str]) -> tuple[str, str]:
    file, saved, dataset = entry.get("file"), entry.get(save_key), entry.get("dataset")
    if not isinstance(file, str):
        raise ValueError('expected "file", a text')
    if isinstance(saved, bool) or not isinstance(saved, str | int) or saved == "":
        raise ValueError(f'expected "{save_key}", a text or a whole number')
    ending = posixpath.splitext(file)[1]
    name = str(saved)
    if not name.endswith(ending):
        name += ending
    return (file if dataset is None else name_of(dataset, file)), name
