"""``https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER?SAS``: where pictures lie in Azure.

FOLDER is mostly none.  AZURE_BLOB_ENDPOINT takes the place of the public address, for an emulator;
but for one on this machine, https is demanded, as a SAS opens the container to whoever reads it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from database_tools.core.errors import UserError
from database_tools.stores import account

_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}|\$root|\$web")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FORM = "expected https://ACCOUNT.blob.core.windows.net/CONTAINER?SAS"


@dataclass(frozen=True)
class ContainerUrl:
    """A container, or a folder in it.

    Attributes:
        address: of the account, without a slash at its end.
        container: its name.
        folder: names begin with it; empty or with a slash at its end.
        sas: without the question mark; empty for none.
    """

    address: str
    container: str
    folder: str = ""
    sas: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Return what may be shown: all but the SAS."""
        return f"{self.address}/{self.container}/{self.folder}".rstrip("/")

    @classmethod
    def parse(cls, text: str) -> ContainerUrl:
        """Take what a user gave; raise UserError, which does not show the SAS."""
        base, _, sas = text.strip().partition("?")
        address, path = _account(base)
        container, _, folder = unquote(path).partition("/")
        if not _CONTAINER.fullmatch(container):
            raise UserError(f"{base}: {container!r} is no container's name; {_FORM}")
        if sas and not parse_qs(sas).get("sig"):
            raise UserError(f"{base}: what follows its ? is no SAS, which has sig=")
        folder = folder.strip("/")
        return cls(address, container, f"{folder}/" if folder else "", sas)

    def refusal(self) -> str:
        """Say why Azure may have refused a request, from what the SAS says of itself."""
        said = {key: values[0] for key, values in parse_qs(self.sas).items()}
        if not said:
            return "it wants a SAS, which follows its address after a ?"
        try:
            if datetime.fromisoformat(said.get("se", "9999-01-01Z")) < datetime.now(UTC):
                return f"its SAS ended at {said['se']}"
        except (ValueError, TypeError):
            return "its SAS has an end that is no time"
        if not {"r", "l"} & set(said.get("sp", "rl")):
            return "its SAS permits neither to read nor to list"
        return (
            "its SAS is of another container or incomplete, or does not permit this (it permits "
            f"{said.get('sp', 'what its policy says')}; r: read, l: list, w: write)"
        )


def is_one(text: str) -> bool:
    """Say whether an address is to be asked as a container."""
    return text.startswith(("https://", "http://"))


def _account(base: str) -> tuple[str, str]:
    """Return the address of the account, and what follows it."""
    emulator = os.environ.get(account.ENDPOINT, "").partition("{account}")[0]
    if emulator and base.startswith(emulator):
        name, _, path = base.removeprefix(emulator).partition("/")
    else:
        parts = urlsplit(base)
        name, path = (parts.hostname or "").partition(".")[0], parts.path.lstrip("/")
        if "@" in parts.netloc:
            raise UserError(f"an address with a name and password in it; {_FORM}")
        if parts.scheme != "https" or not name:
            raise UserError(f"{base}: {_FORM}")
        if not emulator:
            return f"https://{parts.netloc}", path
    address = account.url(name)
    where = urlsplit(address)
    if where.scheme != "https" and where.hostname not in _LOOPBACK:
        raise UserError(f"{account.ENDPOINT}: must begin with https://, but for this machine's own")
    return address, path
