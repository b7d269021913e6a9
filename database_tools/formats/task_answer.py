"""What the Batch Detection API answers about a task.

    {"TaskId": "0a1b...", "Timestamp": "2021-03-01 10:00:00", "Endpoint": "...", "Status": {
         "request_status": "completed",
         "message": {"num_failed_shards": 0, "output_file_urls": {"detections": "https://..."}}}}

``request_status`` is created or running; completed, failed, problem or canceled end a task.  The
message is a text, also of a completed task that had no picture.  Older answers are what ``Status``
holds.  The address has a SAS: it is nothing to show, and nothing to keep.

Source: README, "Batch Detection API response format".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from database_tools.core.errors import FormatError, shown
from database_tools.durable import files

COMPLETED = "completed"
_ENDED = (COMPLETED, "failed", "problem", "canceled")


@dataclass(frozen=True)
class TaskAnswer:
    """How far a task is.

    Attributes:
        status: one of the six, or another word of the service.
        said: its message in words; empty where it is none.
        task: id, without hyphens; empty where it does not say.
        detections: address of the results, or None.
        failed_shards: parts of the task whose pictures have no results.
    """

    status: str
    said: str = ""
    task: str = ""
    detections: str | None = field(default=None, repr=False)
    failed_shards: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.status in _ENDED


def parse(table: Any) -> TaskAnswer:
    """Read an answer; raise ValueError with the rule that it breaks."""
    if not isinstance(table, dict):
        raise ValueError(f"expected an object, got {shown(table)}")
    inner = table.get("Status", table)
    status = inner.get("request_status") if isinstance(inner, dict) else None
    if not isinstance(status, str):
        raise ValueError('no "request_status", a text')
    message = inner.get("message")
    urls = message.get("output_file_urls") if isinstance(message, dict) else None
    url = urls.get("detections") if isinstance(urls, dict) else None
    if url is not None and (not isinstance(url, str) or not url.startswith(("https:", "http:"))):
        raise ValueError('"detections" of "output_file_urls" must be an address')
    return TaskAnswer(
        status,
        message if isinstance(message, str) else "",
        str(table.get("TaskId", "")).replace("-", ""),
        url,
        _whole(message.get("num_failed_shards")) if isinstance(message, dict) else 0,
    )


def read(path: Path) -> TaskAnswer:
    """Read a file; raise UserError if there is none, FormatError if it is no answer."""
    with FormatError.at(path, "top level"):
        return parse(files.read_json(path))


def _whole(value: Any) -> int:
    return value if type(value) is int else 0
