"""MegaDB: the labels of many datasets, in Azure's Cosmos DB.

    COSMOS_ENDPOINT=https://ACCOUNT.documents.azure.com:443/  COSMOS_KEY=...

The database ``camera-trap`` has the container ``sequences``, whose documents are those of
``formats.megadb_json``, parted by dataset, and ``datasets``, which says where pictures lie.  A
dataset is read from its own partition, a page of some megabytes at a time.  Each query names the
dataset too, as emulators overlook partitions.  When MegaDB says how long to wait, that is obeyed.

Neither the key nor an address is ever shown: people confuse the two variables.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from database_tools.core.errors import UserError
from database_tools.core.label_entries import Entry
from database_tools.formats import coco, megadb_json
from database_tools.labels_db.importing import Place
from database_tools.labels_db.query_config import COSMOS
from database_tools.stores import account as account_address

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy, DatabaseProxy

NAME = "MegaDB"

_EXTRA = "MegaDB is asked with the extra [azure]: pip install 'tf-classification[azure]'"
_DATASETS = "SELECT * FROM datasets d"
_SEQUENCES = "SELECT * FROM seq WHERE seq.dataset = @dataset"
_HAS_CLASS = "EXISTS(SELECT VALUE c FROM {} WHERE ARRAY_CONTAINS(@classes, LOWER(c)))"
# The emulator's time doubles with each pair of brackets, so there are none around the OR.
_OF_CLASSES = (
    f"{_SEQUENCES} AND {_HAS_CLASS.format('c IN seq.class')} OR seq.dataset = @dataset "
    f"AND {_HAS_CLASS.format('img IN seq.images JOIN c IN img.class')}"
)

_MOST_WAITS, _MOST_SECONDS = 1000, 600
"""For one page, when MegaDB says that it has to wait."""

_ANSWERS = {
    401: "does not accept COSMOS_KEY",
    403: "does not accept COSMOS_KEY, or not from this network",
    404: "has no database camera-trap of the containers datasets and sequences",
    429: "had no time for ten minutes",
}


class MegaDB:
    """An open connection; of ``opened``."""

    def __init__(self, database: DatabaseProxy) -> None:
        self._database = database

    def places(self) -> dict[str, Place]:
        """Return where each dataset's pictures lie, in alphabetical order.

        Raises:
            FormatError: if one does not say so.
        """
        rows = _container(self._database, "datasets").query_items(
            _DATASETS, enable_cross_partition_query=True
        )
        with _told():
            found = [_place(row) for row in rows]
        return {place.dataset: place for place in sorted(found, key=lambda place: place.dataset)}

    def place(self, said: Place) -> Place:
        """Return where the pictures of one lie; what is said already counts.

        Raises:
            UserError: if there is no such dataset.
        """
        known = self.places()
        if (found := known.get(said.dataset)) is None:
            names = ", ".join(sorted(known)[:5]) or "none"
            raise UserError(f"{NAME}: no dataset {said.dataset!r}; it has {names}")
        return replace(
            said,
            container_url=said.container_url or found.container_url,
            path_prefix=said.path_prefix or found.path_prefix,
        )

    def entries(self, dataset: str, classes: Collection[str] | None = None) -> Iterator[Entry]:
        """Yield the pictures of a dataset, and what was said of them.

        Args:
            dataset: its name.
            classes: only sequences that have one of these, in any case, themselves or in a
                picture; None for all.  They come whole, as a picture's class depends on its
                sequence, and whether a sequence is of one picture on its other pictures.

        Raises:
            FormatError: with the sequence and the rule that it breaks.
        """
        names = sorted({name.lower() for name in classes or ()})
        pages = _container(self._database, "sequences").query_items(
            _SEQUENCES if classes is None else _OF_CLASSES,
            parameters=[
                {"name": "@dataset", "value": dataset},
                {"name": "@classes", "value": names},
            ],
            partition_key=dataset,
        )

        keys = count()
        with _told():
            for sequence in pages:
                with megadb_json.checked(NAME, f"{dataset}: {sequence.get('seq_id')!r}"):
                    yield from megadb_json.entries(sequence, keys)


@contextlib.contextmanager
def opened() -> Iterator[MegaDB]:
    """Open MegaDB as the environment says.

    Raises:
        UserError: if a variable is not set or wrong, the extra is missing, or it does not answer.
    """
    endpoint, key = (_variable(name) for name in COSMOS)
    url = urlsplit(endpoint)
    local = url.hostname in ("localhost", "127.0.0.1", "::1")
    if not url.hostname or (url.scheme != "https" and not (local and url.scheme == "http")):
        rule = "must be an address as https://ACCOUNT.documents.azure.com:443/"
        raise UserError(f"{COSMOS[0]} {rule}")
    try:
        base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise UserError(f"{COSMOS[1]} is no key: it must be base64, as Azure shows it") from None
    try:
        from azure.cosmos import CosmosClient
    except ImportError:
        raise UserError(_EXTRA) from None
    with _told(), contextlib.ExitStack() as stack:
        # An emulator on this machine says that it is to be found at https.
        discover = url.scheme == "https"
        client = CosmosClient(
            endpoint,
            key,
            enable_endpoint_discovery=discover,
            retry_throttle_total=_MOST_WAITS,
            retry_throttle_backoff_max=_MOST_SECONDS,
            logger=logging.Logger("azure", logging.CRITICAL + 1),  # it would tell of each request
        )
        stack.enter_context(client)
        yield MegaDB(client.get_database_client("camera-trap"))


def _variable(name: str) -> str:
    if not (value := os.environ.get(name, "").strip()):
        raise UserError(f"{name} is not set: MegaDB is asked with {' and '.join(COSMOS)}")
    return value


def _container(database: DatabaseProxy, name: str) -> ContainerProxy:
    return database.get_container_client(name)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say in a line what went wrong between here and MegaDB; a server's own words may be long."""
    from azure.core.exceptions import AzureError
    from azure.cosmos.exceptions import CosmosHttpResponseError

    try:
        yield
    except CosmosHttpResponseError as error:
        status = error.status_code or 0
        answer = _ANSWERS.get(status, f"answered with status {status}")
        raise UserError(f"{NAME}: {answer}") from None
    except AzureError as error:
        raise UserError(f"{NAME} cannot be reached: {type(error).__name__}") from None


def _place(row: dict[str, Any]) -> Place:
    with megadb_json.checked(NAME, f"dataset {row.get('dataset_name')!r}"):
        names = ("dataset_name", "storage_account", "container", "path_prefix")
        name, account, container, prefix = (coco.text(row, key) for key in names)
        url = f"{account_address.url(account)}/{container}"
        return Place(name, url, prefix, sas=coco.words(row, "container_sas_key"))
