"""Where pictures are kept: one interface, with a local folder behind it.

store = stores.open_store("/mnt/pictures")
store.fetch("elk/a.jpg", Path("here/a.jpg"))
"""

from __future__ import annotations

from database_tools.core.errors import UserError
from database_tools.stores.local import LocalFolder
from database_tools.stores.store import Store, Unavailable

__all__ = ["LocalFolder", "Store", "Unavailable", "open_store"]


def open_store(place: str) -> Store:
    """Return the store at a place.

    Args:
        place: a folder, or its ``file://`` address.

    Raises:
        UserError: if there is no such folder, or it is an address of another kind.
    """
    scheme, slashes, rest = place.partition("://")
    if slashes and scheme != "file":
        raise UserError(f"{scheme}://...: stores on the network are not read yet, only folders")
    return LocalFolder(rest if slashes else place)
