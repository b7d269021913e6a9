"""Where pictures are kept: one interface before folders and object stores.

store = stores.open_store("https://account.blob.core.windows.net/pictures?sv=...&sig=...")
store.fetch("elk/a.jpg", Path("here/a.jpg"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_tools.core.errors import UserError
from database_tools.remote import access, arguments
from database_tools.stores import container_url
from database_tools.stores.container_url import ContainerUrl
from database_tools.stores.folder import Folder
from database_tools.stores.store import Store, Unavailable

if TYPE_CHECKING:
    from database_tools.stores.azure_blobs import BlobContainer

__all__ = ["Folder", "Store", "Unavailable", "open_container", "open_store"]


def open_container(url: ContainerUrl) -> BlobContainer:
    """Return a container, which can be written to as well; raise UserError without the extra."""
    try:
        from database_tools.stores.azure_blobs import BlobContainer
    except ImportError:
        install = "pip install 'tf-classification[azure]'"
        raise UserError(f"{url}: containers are read by azure-storage-blob: {install}") from None
    return BlobContainer(url)


def open_store(place: str) -> Store:
    """Return the store at a place.

    Args:
        place: a folder, its ``file://`` address, that of a container with its SAS, or an address
            of ``remote``.

    Raises:
        UserError: if there is no such folder, an address breaks its form or is of another kind,
            or what reads it is not installed.
    """
    if container_url.is_one(place):
        return open_container(ContainerUrl.parse(place))
    scheme, slashes, _ = place.partition("://")
    if slashes and scheme not in (*access.SCHEMES, "file"):
        raise UserError(f"{scheme}://...: stores of this kind are not read yet")
    return Folder(arguments.folder(place))
