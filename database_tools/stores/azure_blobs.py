"""A container of Azure's blobs as a store.

What fails on the way (no connection, a reset, an answer that is cut, 5xx) is tried six times, with
waits of 0 to 0.1, 0.2, 0.4, ... 30 s, drawn at random so that fifty threads do not come back at
once.  What fails then is this file's fault; what Azure refuses, or a container that is not there,
is everybody's: it ends the run in one line.  No exception of a library leaves this module, as its
text may hold the address with the SAS.
"""

from __future__ import annotations

import contextlib
import io
import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import requests
from azure.core.exceptions import AzureError, HttpResponseError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobClient, BlobProperties, ContainerClient, ExponentialRetry
from requests.adapters import HTTPAdapter

from database_tools.core import names, reasons
from database_tools.core.errors import UserError
from database_tools.core.names import spellings, written
from database_tools.durable import files
from database_tools.stores.container_url import ContainerUrl
from database_tools.stores.store import Unavailable

TRIES, FIRST_WAIT, LONGEST_WAIT = 6, 0.1, 30.0

_JITTER = random.Random()  # its own: nobody's seed
_POOL = 256  # connections that are kept; more threads than that only connect anew
_AT_ONCE = 8 << 20  # bytes of an answer: each is held whole, for each thread
_LONGEST_NAME = 1024

Answer = TypeVar("Answer")


class BlobContainer:
    """Blobs of a container, or below a folder in it; a name in another Unicode form finds its."""

    def __init__(self, url: ContainerUrl) -> None:
        """Take its address; nothing is asked yet."""
        self._url = url
        self._transport = _WholeAnswers()
        address = f"{url.address}/{url.container}"
        self._client = ContainerClient.from_container_url(
            f"{address}?{url.sas}" if url.sas else address,
            retry_policy=_Patience(),
            transport=self._transport,
            logger=logging.Logger("azure", logging.CRITICAL + 1),  # it would tell of each request
            max_single_get_size=_AT_ONCE,
        )

    def exists(self, name: str) -> bool:
        """As ``Store.exists``."""
        try:
            self._ask(name, lambda blob: _no_folder(blob.get_blob_properties()))
        except Unavailable as error:
            if error.reason in (reasons.MISSING, reasons.OUTSIDE):
                return False
            raise
        return True

    def open(self, name: str) -> BinaryIO:
        """As ``Store.open``; the content is in memory."""
        return io.BytesIO(self._ask(name, lambda blob: _begun(blob).readall()))

    def list(self, prefix: str = "") -> Iterator[str]:
        """As ``Store.list``; Azure gives 5,000 names at a time."""
        folder = self._url.folder
        found = iter(self._client.list_blob_names(name_starts_with=folder + prefix))
        while True:
            with self._told():
                name = next(found, None)
            if name is None:
                return
            if not name.endswith("/"):
                yield name.removeprefix(folder)

    def fetch(self, name: str, target: Path) -> None:
        """As ``Store.fetch``."""
        download = self._ask(name, _begun)
        with files.replacing(target) as temporary, temporary.open("wb") as file, self._told():
            download.readinto(file)

    def write(self, name: str, content: bytes) -> None:
        """Write a blob, in place of what is there; raise as ``open``."""
        with self._told():
            self._client.upload_blob(self._url.folder + name, content, overwrite=True)

    def _ask(self, name: str, question: Callable[[BlobClient], Answer]) -> Answer:
        """Ask about a blob under each spelling of its name; raise Unavailable if there is none."""
        if (tidy := written(name)) is None:
            raise Unavailable(reasons.OUTSIDE)
        for spelling in spellings(tidy):
            full = self._url.folder + spelling
            if names.is_text(full) and len(full) <= _LONGEST_NAME:
                with contextlib.suppress(_NoBlob), self._told():
                    return question(self._client.get_blob_client(full))
        raise Unavailable(reasons.MISSING)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say in our own words what Azure or the way to it refused within the block."""
        try:
            yield
        except HttpResponseError as error:
            raise self._reason(error.status_code or 0, _code(error)) from None
        except AzureError as error:
            if self._transport.answered:
                raise Unavailable(reasons.UNREADABLE) from None
            raise UserError(f"{self._url}: no answer: {type(error).__name__}") from None

    def _reason(self, status: int, code: str) -> Exception:
        if code == "BlobNotFound":
            return _NoBlob(reasons.MISSING)
        if status in (401, 403) or code == "PublicAccessNotPermitted":
            return UserError(f"{self._url}: refused ({status} {code}): {self._url.refusal()}")
        if status == 404:
            hint = "" if self._url.sas else f", or {self._url.refusal()}"
            return UserError(f"{self._url}: no such container ({code}){hint}")
        return Unavailable(reasons.UNREADABLE)


class _NoBlob(Unavailable):
    """There is no blob of this name."""


class _Patience(ExponentialRetry):
    """Waits at random for up to 0.1 s, then up to twice as long each time."""

    def __init__(self) -> None:
        most = TRIES - 1
        super().__init__(retry_total=most, retry_connect=most, retry_read=most, retry_status=most)

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """Return the seconds to wait before the next try; ``count`` were made and failed."""
        return _JITTER.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (settings["count"] - 1)))


class _WholeAnswers(RequestsTransport):
    """Reads each answer to its end, so that one that is cut is tried again like other faults.

    Attributes:
        answered: whether anything ever came back.
    """

    def __init__(self) -> None:
        self.answered = False
        session = requests.Session()
        session.mount("https://", HTTPAdapter(pool_maxsize=_POOL))
        session.mount("http://", HTTPAdapter(pool_maxsize=_POOL))
        super().__init__(session=session)

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request and return its answer, whose content is here."""
        response = super().send(request, **options)
        self.answered = True
        try:
            response.internal_response.content  # noqa: B018 - requests keeps it for those who ask
        except requests.RequestException as error:
            raise ServiceResponseError("cut", error=error) from None
        return response


def _begun(blob: BlobClient) -> Any:
    """Ask for a blob; what fits into one answer is here then."""
    download = blob.download_blob()
    _no_folder(download.properties)
    return download


def _no_folder(properties: BlobProperties) -> None:
    """Raise Unavailable for what stands for a folder where Azure has folders."""
    if (properties.metadata or {}).get("hdi_isfolder", "").lower() == "true":
        raise Unavailable(reasons.MISSING)


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "no code")
