"""Several stores as one: the first that has a file gives it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from database_tools.stores.store import Store


class Layered:
    """Stores one behind the other, at least one; the last is asked for what no other has."""

    def __init__(self, *stores: Store) -> None:
        self._stores = stores

    def exists(self, name: str) -> bool:
        """As ``Store.exists``."""
        return any(store.exists(name) for store in self._stores)

    def open(self, name: str) -> BinaryIO:
        """As ``Store.open``."""
        return self._of(name).open(name)

    def list(self, prefix: str = "") -> Iterator[str]:
        """As ``Store.list``."""
        yield from sorted({name for store in self._stores for name in store.list(prefix)})

    def fetch(self, name: str, target: Path) -> None:
        """As ``Store.fetch``."""
        self._of(name).fetch(name, target)

    def _of(self, name: str) -> Store:
        earlier = self._stores[:-1]
        return next((store for store in earlier if store.exists(name)), self._stores[-1])
