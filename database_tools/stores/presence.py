"""Which of many files a store does not have: by lists of names where that is cheaper than asking.

A container answers a question about one file at a time, or lists 5,000 names.  So names are listed
as long as this takes fewer answers than asking would, and who was not seen then is asked for.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from database_tools.core import names, reasons
from database_tools.core.errors import UserError
from database_tools.stores.store import Store, Unavailable
from database_tools.work.stream import in_order

log = logging.getLogger(__name__)

THREADS = 50
"""Files that are asked for at a time, as the original does."""

_NAMES_FOR_ONE = 100
"""Names that are listed in the time of one question: a list of 5,000 takes that of 50."""


def absent(store: Store, wanted: Iterable[str]) -> dict[str, str]:
    """Return the files that are not there, or of which that cannot be said, each with the reason.

    Raises:
        UserError: if the store refuses.
    """
    waiting = {names.key(name): name for name in wanted}
    if not waiting or _seen_by_list(store, waiting):
        return dict.fromkeys(waiting.values(), reasons.MISSING)
    found = {}
    with ThreadPoolExecutor(THREADS, "ask") as executor:
        jobs = ((name, name) for name in waiting.values())
        for name, reason in in_order(executor, lambda name: _reason(store, name), jobs):
            if reason:
                found[name] = reason
    return found


def _seen_by_list(store: Store, waiting: dict[str, str]) -> bool:
    """Take the names that are listed out of those that wait; say whether all were listed."""
    most = _NAMES_FOR_ONE * len(waiting)
    if most < 5_000:
        return False
    try:
        listed = store.list(_folder(waiting.values()))
        for name in islice(listed, most):
            waiting.pop(names.key(name), None)
        return next(listed, None) is None
    except (UserError, Unavailable) as error:  # a SAS may permit to read alone
        log.info("asking for each picture, as listing is not possible: %s", error)
        return False


def _folder(files: Iterable[str]) -> str:
    """Return the folder that all are in, as far as any Unicode form spells it the same."""
    common = os.path.commonprefix(list(files))  # noqa: RUF071 - cut to a folder below
    start = re.match(r"[\x00-\x7f]*", common)
    return start[0][: start[0].rfind("/") + 1] if start else ""


def _reason(store: Store, name: str) -> str:
    try:
        return "" if store.exists(name) else reasons.MISSING
    except Unavailable as error:
        return error.reason
