"""Addresses of storage accounts: public ones, unless the environment names an emulator.

AZURE_BLOB_ENDPOINT=http://127.0.0.1:10000/{account}
"""

from __future__ import annotations

import os

ENDPOINT = "AZURE_BLOB_ENDPOINT"

_PUBLIC = "https://{account}.blob.core.windows.net"


def url(account: str) -> str:
    """Return the address of an account, without a slash at its end."""
    return (os.environ.get(ENDPOINT) or _PUBLIC).replace("{account}", account).rstrip("/")
