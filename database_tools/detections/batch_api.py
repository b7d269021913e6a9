"""The Batch Detection API: a service that detects in the pictures of a container of Azure.

    service = Service.of_environment(caller=None)
    task = service.submit({"input_container_sas": "https://...", "request_name": "idfg"})
    service.ask(task).status

    BATCH_DETECTION_API_URL=https://HOST/v4/camera-trap/detection-batch

It answers before it detects; how a task goes is asked for later.  What is sent has a SAS in it, so
no address of a container, and no more than the first words of what the service says, is shown.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import re
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from database_tools.core import json_text
from database_tools.core.errors import UserError, shown
from database_tools.core.json_text import JsonError
from database_tools.core.secrets import hidden
from database_tools.durable import files
from database_tools.formats import resume_json, task_answer
from database_tools.formats.task_answer import TaskAnswer

log = logging.getLogger(__name__)

URL, CALLER = "BATCH_DETECTION_API_URL", "DETECTION_API_CALLER"

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SECONDS = 60
_SHOWN = 200
_LONGEST = 1 << 20  # bytes of an answer; detections, which are in files, may be any number


class Busy(Exception):  # noqa: N818 - it is a state of the service, not a fault
    """It may answer later; ``unheard`` if it surely does not do what it was asked."""

    def __init__(self, why: str, *, unheard: bool = False) -> None:
        super().__init__(why)
        self.unheard = unheard


class Refused(UserError):  # noqa: N818 - an answer of the service's
    """The service refuses, with this code of HTTP."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"the Batch Detection API refuses ({code}): {said}")
        self.code = code


@dataclass(frozen=True)
class Service:
    """A service, by the address that its endpoints are below, and who asks it."""

    url: str
    caller: str

    @classmethod
    def of_environment(cls, caller: str | None = None) -> Service:
        """Return the service that the environment names; raise UserError if it names none."""
        url = _variable(URL).rstrip("/")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UserError(f"{URL} must be an address as https://HOST/v4/camera-trap/...")
        if urlsplit(url).scheme == "http" and urlsplit(url).hostname not in _LOOPBACK:
            log.warning("WARNING: %s is no https: whoever is on the way reads the SAS", URL)
        return cls(url, caller or _variable(CALLER))

    def submit(self, body: Mapping[str, Any]) -> str:
        """Submit a task and return its id.

        Raises:
            Busy: if it has no room for one now.
            UserError: if it refuses, or nobody knows whether it took the task.
        """
        try:
            answer = self._post("request_detections", body)
        except Busy as error:
            if error.unheard:
                raise
            rule = "so a task may run that has no id here"
            raise UserError(f"the Batch Detection API gave no answer ({error}), {rule}") from None
        number = answer.get("request_id") if isinstance(answer, dict) else None
        if not isinstance(number, str) or not re.fullmatch(resume_json.TASK_ID, number):
            raise UserError(f"the Batch Detection API gave no request_id, but {shown(answer)}")
        return number

    def ask(self, task: str) -> TaskAnswer:
        """Ask how far a task is.

        Raises:
            Busy: if there is no answer, or none about this task.
            UserError: if it knows no such task.
        """
        try:
            answer = task_answer.parse(_json(f"{self.url}/task/{task}"))
        except ValueError as error:
            raise Busy(str(error)) from None
        except Refused as error:
            if error.code == HTTPStatus.NOT_FOUND:
                raise
            raise Busy(str(error)) from None
        if answer.task and answer.task != task.replace("-", ""):
            raise Busy(f"the answer is about the task {shown(answer.task)}")
        return answer

    def cancel(self, task: str) -> None:
        """Cancel a task; raise Busy if there is no answer, UserError if it cannot be."""
        self._post("cancel_request", {"request_id": task})

    def _post(self, endpoint: str, body: Mapping[str, Any]) -> Any:
        content = json.dumps({**body, "caller": self.caller}).encode()
        request = urllib.request.Request(
            f"{self.url}/{endpoint}", content, {"Content-Type": "application/json"}
        )
        return _json(request)


def fetch(url: str, target: Path) -> None:
    """Bring a file of detections to ``target``, whole or not at all.

    Raises:
        Busy: if it does not come now.
        UserError: if it cannot be had by this address, which may be one of the past.
    """
    with _answer(url) as response, files.replacing(target) as temporary:
        with temporary.open("wb") as file:
            shutil.copyfileobj(response, file)
        length = response.headers.get("Content-Length")
        if length is not None and temporary.stat().st_size != int(length):
            raise Busy("the answer was cut")


def _variable(name: str) -> str:
    if not (value := os.environ.get(name, "").strip()):
        raise UserError(f"{name} is not set: it is needed to ask the Batch Detection API")
    return value


def _json(request: str | urllib.request.Request) -> Any:
    with _answer(request) as response:
        text = response.read(_LONGEST).decode("utf-8", "replace")
    try:
        return json_text.loads(text)
    except JsonError:
        return text  # of a task that is canceled


@contextlib.contextmanager
def _answer(request: str | urllib.request.Request) -> Iterator[http.client.HTTPResponse]:
    """Open an address; errors as the functions above have them."""
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            yield response
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(_LONGEST).decode("utf-8", "replace")
        if error.code >= 500 or error.code == 429:
            raise Busy(f"status {error.code}", unheard=error.code in (429, 503)) from None
        raise Refused(error.code, _said(said)) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # the disk's
        reason = getattr(error, "reason", error)
        refused = isinstance(reason, ConnectionRefusedError | socket.gaierror)
        raise Busy(type(reason).__name__, unheard=refused) from None


def _said(text: str) -> str:
    with contextlib.suppress(JsonError):
        table = json_text.loads(text)
        text = table.get("error", text) if isinstance(table, dict) else text
    return hidden(str(text))[:_SHOWN]
