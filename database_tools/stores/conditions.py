"""What is wrong with pictures of a store.

=============  ==================================================================
good           no obvious issue
nonexistant    there is no such file (so the original spells it)
non_image      no picture by its name's ending
truncated      the file ends too early; Pillow shows what there is when told to
bad            it cannot be opened at all
=============  ==================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from database_tools import imaging
from database_tools.core import names, reasons
from database_tools.stores.store import Store, Unavailable
from database_tools.work.stream import in_order

GOOD, NONEXISTENT, NON_IMAGE = "good", "nonexistant", "non_image"
TRUNCATED, BAD = "truncated", "bad"
ALL = (GOOD, NONEXISTENT, NON_IMAGE, TRUNCATED, BAD)


def of(store: Store, name: str) -> str:
    """Return the condition of one picture."""
    try:
        if not store.exists(name):
            return NONEXISTENT
        if not names.is_picture(name):
            return NON_IMAGE
        with store.open(name) as file:
            imaging.open_upright(file.read())
    except imaging.UnreadableImage as error:
        return TRUNCATED if error.reason == reasons.TRUNCATED else BAD
    except (Unavailable, OSError):
        return BAD
    return GOOD


def of_all(store: Store, names: Iterable[str], threads: int) -> Iterator[tuple[str, str]]:
    """Yield each name and its condition, in the order of the names; Pillow decodes in threads."""
    with ThreadPoolExecutor(threads, "look") as executor:
        pairs = ((name, name) for name in names)
        for name, condition in in_order(executor, lambda name: of(store, name), pairs):
            assert condition is not None  # each had a job
            yield name, condition
