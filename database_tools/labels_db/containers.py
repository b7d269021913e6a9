"""Pictures of all datasets as one store, ``<dataset>/<file>``: each dataset in its own container.

Where a dataset's pictures lie is asked when the first of them is wanted, and its container then
too; so who has all pictures at hand needs neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from database_tools import stores
from database_tools.core import reasons
from database_tools.core.errors import UserError
from database_tools.labels_db import asked
from database_tools.labels_db.importing import Place
from database_tools.labels_db.query_config import database
from database_tools.stores import Store, Unavailable


def of(given: Path | None) -> Containers | None:
    """Return the containers that a label database or MegaDB knows; None if neither is named."""
    try:
        database(given)
    except UserError:
        return None
    return Containers(lambda: asked.places(given))


class Containers:
    """A store of stores."""

    def __init__(self, places: Callable[[], Mapping[str, Place]]) -> None:
        """Take what says where the pictures of each dataset lie."""
        self._ask, self._lock = places, threading.RLock()
        self._places: Mapping[str, Place] | None = None
        self._stores: dict[str, Store | None] = {}

    @property
    def places(self) -> Mapping[str, Place]:
        """Where the pictures of each dataset lie."""
        with self._lock:
            if self._places is None:
                self._places = self._ask()
            return self._places

    def of_dataset(self, dataset: str) -> Store | None:
        """Return the container of a dataset; None if it is unknown or has none."""
        with self._lock:
            if dataset not in self._stores:
                place = self.places.get(dataset)
                url = place.signed_url() if place and place.container_url else None
                self._stores[dataset] = stores.open_store(url) if url else None
            return self._stores[dataset]

    def name(self, dataset: str, file: str) -> str:
        """Return the name of a file that is told without its dataset's prefix."""
        place = self.places.get(dataset)
        prefix = place.path_prefix.rstrip("/") if place else ""
        return "/".join(filter(None, (dataset, prefix, file)))

    def exists(self, name: str) -> bool:
        """As ``Store.exists``."""
        dataset, _, file = name.partition("/")
        store = self.of_dataset(dataset)
        return store is not None and store.exists(file)

    def open(self, name: str) -> BinaryIO:
        """As ``Store.open``."""
        store, file = self._of(name)
        return store.open(file)

    def list(self, prefix: str = "") -> Iterator[str]:
        """As ``Store.list``."""
        begun, slash, rest = prefix.partition("/")
        for dataset in sorted(self.places):
            if dataset == begun if slash else dataset.startswith(begun):
                store = self.of_dataset(dataset)
                yield from (f"{dataset}/{name}" for name in (store.list(rest) if store else ()))

    def fetch(self, name: str, target: Path) -> None:
        """As ``Store.fetch``."""
        store, file = self._of(name)
        store.fetch(file, target)

    def _of(self, name: str) -> tuple[Store, str]:
        dataset, _, file = name.partition("/")
        if (store := self.of_dataset(dataset)) is None:
            raise Unavailable(reasons.MISSING)
        return store, file
