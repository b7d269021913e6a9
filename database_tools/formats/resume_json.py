"""``resume.json``: the tasks that the Batch Detection API was given.

    [{"dataset": "idfg", "task_name": "detect_for_classifier_idfg_20210301_100000_task00",
      "task_id": "0a1b...", "local_images_list_path": "base/batchapi_tasklists/task_list_idfg_...",
      "request_status": "running"}]

``task_id`` is null before the task is submitted, ``request_status`` what was last heard of it, or
null.  It has no address and no SAS.

Source: README, "To use the MegaDetector Batch Detection API".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from database_tools.core.errors import FormatError, shown
from database_tools.durable import files

TASK_ID = r"[A-Za-z0-9_-]+"


@dataclass(frozen=True)
class Task:
    """A task of one dataset's pictures; attributes as the keys of the file."""

    dataset: str
    task_name: str
    task_id: str | None
    local_images_list_path: str
    request_status: str | None = None


def read(path: Path) -> list[Task]:
    """Read the tasks; none if there is no file, FormatError if it breaks a rule."""
    if not path.exists():
        return []
    table = files.read_json(path)
    if not isinstance(table, list):
        raise FormatError(path, "top level", f"expected a list of tasks, got {shown(table)}")
    return [_task(path, f"[{i}]", entry) for i, entry in enumerate(table)]


def write(path: Path, tasks: Iterable[Task]) -> None:
    """Write the tasks, so that a power cut does not lose the id of one that runs."""
    files.write_json(path, [asdict(task) for task in tasks], lasting=True)


def names(path: Path) -> list[str]:
    """Read the list of a task's pictures; raise UserError or FormatError if it is none."""
    table = files.read_json(path)
    if not isinstance(table, list) or not all(isinstance(name, str) for name in table):
        raise FormatError(path, "top level", "expected a list of file names")
    return table


def _task(path: Path, place: str, entry: Any) -> Task:
    if not isinstance(entry, dict):
        raise FormatError(path, place, f"expected an object, got {shown(entry)}")
    for key, kinds in (
        ("dataset", (str,)),
        ("task_name", (str,)),
        ("task_id", (str, type(None))),
        ("local_images_list_path", (str,)),
        ("request_status", (str, type(None))),
    ):
        if not isinstance(entry.get(key), kinds):
            raise FormatError(path, place, f'"{key}" must be a text, got {shown(entry.get(key))}')
    if not re.fullmatch(TASK_ID, entry["task_id"] or "none"):
        raise FormatError(path, place, f'"task_id" is no id of a task: {shown(entry["task_id"])}')
    values: dict[str, Any] = {key: entry.get(key) for key in Task.__dataclass_fields__}
    return Task(**values)
