"""Object stores of this machine for tests: moto's S3 and gcp-storage-emulator, beside Azurite.

Each is a ``Place``: a scheme, the environment that leads to it, and nothing in it.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

NEEDS = {"az": ("adlfs",), "s3": ("moto", "s3fs"), "gs": ("gcp_storage_emulator", "gcsfs")}
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="

_NUMBERS = itertools.count()


class Place(NamedTuple):
    """A store that answers.

    Attributes:
        scheme: of its addresses.
        environment: what leads to it.
    """

    scheme: str
    environment: dict[str, str]

    def lead(self, monkeypatch):
        """Have this process ask this store."""
        from database_tools.remote import access

        for key, value in self.environment.items():
            monkeypatch.setenv(key, value)
        access.forget()

    def fresh(self, monkeypatch, name):
        """Lead this process to it, and return the address of a new container."""
        from database_tools.remote import access

        self.lead(monkeypatch)
        name = f"{name}-{next(_NUMBERS)}"
        access.filesystem(self.scheme).mkdir(name)
        return f"{self.scheme}://{name}"


def fill(address, folder):
    """Put all files of a folder below an address."""
    from database_tools.remote import access

    for path in folder.rglob("*"):
        if path.is_file():
            access.put(path, f"{address}/{path.relative_to(folder).as_posix()}")
    access.forget()
    return address


def contents(address):
    """Return every file below an address, and its bytes."""
    from database_tools.remote import access

    access.forget()
    return {name: access.read(f"{address}/{name}") for name in access.below(address)}


def of_azurite(azurite):
    """Return Azurite as such a store."""
    account = f"AccountName={azurite.account};AccountKey={azurite.key}"
    endpoint = azurite.endpoint.format(account=azurite.account)
    text = f"DefaultEndpointsProtocol=http;{account};BlobEndpoint={endpoint};"
    return Place("az", {"AZURE_STORAGE_CONNECTION_STRING": text})


@contextlib.contextmanager
def started(scheme, folder):
    """Start a store and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    beside = Path(sys.executable).parent
    url = f"http://127.0.0.1:{port}"
    if scheme == "s3":
        command = [beside / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
        environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    else:
        command = [beside / "gcp-storage-emulator", "start", "-H", "127.0.0.1", "--port", str(port)]
        command += ["-M", "-q"]
        environment = {
            "STORAGE_EMULATOR_HOST": url,
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # else it asks for a minute by gRPC
        }
    log = (folder / f"{scheme}.log").open("w")
    process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(process, port)
        yield Place(scheme, environment)
    finally:
        process.kill()
        process.wait()
        log.close()


def _wait(process, port):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no store at port {port}: {process.args}")
