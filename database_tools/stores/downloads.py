"""Brings files of a store into a folder, several at a time, and accounts for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import reasons
from database_tools.core.errors import UserError
from database_tools.core.ledger import Drops, Ledger
from database_tools.core.names import Places, key, written
from database_tools.durable import files, locks, naming
from database_tools.durable.folders import STATE
from database_tools.stores.store import Store, Unavailable
from database_tools.work.stream import in_order

STAGE = "download_images"

Result = bool | str
"""Whether a file is new, or why it is not there."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A file that is wanted.

    Attributes:
        name: in the store.
        target: below the folder, as the list has it.
    """

    name: str
    target: str


def fetch_all(
    wishes: Iterable[Wish],
    store: Store | None,
    folder: Path,
    threads: int,
    show: Callable[[Iterator[Result]], Iterable[Result]] = iter,
) -> tuple[Ledger, int]:
    """Fetch what is not in the folder yet.

    Args:
        wishes: in the order of the ledger.
        store: where files are; None for nowhere, so that all but those that are there fail.
        folder: where they come to, made if need be.
        threads: files at a time, at least 1.
        show: goes through the results, to show progress.

    Returns:
        The ledger, and how many files are new.

    Raises:
        UserError: if the folder cannot be written or another run is writing there.
    """
    drops, total, kept, new = Drops(), 0, 0, 0

    def noted(results: Iterator[tuple[tuple[Wish, str | None], Result | None]]) -> Iterator[Result]:
        for (wish, refusal), fetched in results:
            result = fetched if refusal is None else refusal
            assert result is not None  # what has no refusal had a job
            if isinstance(result, str):
                drops.add(result, wish.name)
            yield result

    with (
        locks.locked(folder / STATE / "lock"),
        ThreadPoolExecutor(threads, "fetch") as executor,
    ):
        jobs = _planned(wishes, folder)
        results = in_order(executor, lambda wish: _fetch(wish, store, folder), jobs)
        for result in show(noted(results)):
            total += 1
            kept += isinstance(result, bool)
            new += result is True
    return drops.close(STAGE, total, kept), new


def _planned(
    wishes: Iterable[Wish], folder: Path
) -> Iterator[tuple[tuple[Wish, str | None], Wish | None]]:
    """Yield each wish with why it cannot have its place, and itself again if it can."""
    places, taken = Places(naming.look_at(folder)), dict[str, str]()
    tidied: set[Path] = set()
    for wish in wishes:
        target = written(wish.target)
        if target is None:
            yield (wish, reasons.OUTSIDE), None
        elif key(target) in taken:
            same = taken[key(target)] == wish.name
            yield (wish, reasons.LISTED_BEFORE if same else reasons.CLASH), None
        elif (refusal := places.take(target)) is not None:
            yield (wish, refusal), None
        else:
            taken[key(target)] = wish.name
            if (parent := (folder / target).parent) not in tidied:
                files.remove_leftovers(parent)  # before the first file comes there
                tidied.add(parent)
            yield (wish, None), Wish(wish.name, target)


def bring(store: Store, name: str, target: Path) -> str | None:
    """Fetch a file; return why it cannot be had.  Errors of the store and the disk pass."""
    try:
        store.fetch(name, target)
    except Unavailable as error:
        return error.reason
    except UserError:
        # Azure may have elk and elk/a.jpg; no disk has both.
        if target.is_dir() or any(folder.is_file() for folder in target.parents):
            return reasons.CLASH
        raise
    return None


def _fetch(wish: Wish, store: Store | None, folder: Path) -> Result:
    target = folder / wish.target
    if target.is_file():  # whole: it was not called so before
        return False
    if store is None:
        return reasons.MISSING
    return bring(store, wish.name, target) or True
