"""Azurite, the emulator of Azure's blobs: started on this machine alone, keeping all in memory."""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

MAIN = Path(sys.prefix, "node", "node_modules", "azurite", "dist", "src", "blob", "main.js")
SILENT = logging.Logger("azure", logging.CRITICAL + 1)  # it would tell of each request
ACCOUNT, KEY = "account", "dGhlIGtleSBvZiB0aGUgdGVzdHM="  # any base64 does


def lacking():
    """What is not here that it needs, or None."""
    if shutil.which("node") is None or not MAIN.is_file():
        return "Azurite is not installed: scripts/test.sh installs it where npm exists"
    with contextlib.suppress(ImportError):
        import azure.storage.blob  # noqa: F401

        return None
    return "the extra [azure] is not installed"


class Azurite:
    """A running emulator.

    Attributes:
        port: that it listens on, at 127.0.0.1.
        endpoint: for AZURE_BLOB_ENDPOINT.
        account: the name of its account.
        key: of that.
    """

    account, key = ACCOUNT, KEY

    def __init__(self, port):
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}/{{account}}"

    @property
    def service(self):
        """The owner's client."""
        from azure.storage.blob import BlobServiceClient

        url = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        key = {"account_name": ACCOUNT, "account_key": KEY}
        return BlobServiceClient(url, credential=key, logger=SILENT)

    def fill(self, container, blobs=()):
        """Make a container, if there is none, and put blobs of these names and contents into it."""
        from azure.core.exceptions import ResourceExistsError

        with self.service as service:
            client = service.get_container_client(container)
            with contextlib.suppress(ResourceExistsError):
                client.create_container()
            for name, content in dict(blobs).items():
                client.upload_blob(name, content, overwrite=True)

    def sas(self, container, permission="rl", hours=1.0):
        """A SAS of a container; one of negative hours is expired."""
        from azure.storage.blob import generate_container_sas

        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
        return generate_container_sas(ACCOUNT, container, KEY, permission=permission, expiry=ends)

    def url(self, container, permission="rl", hours=1.0):
        """The public address of a container with a SAS, as people have it."""
        sas = self.sas(container, permission, hours)
        return f"https://{ACCOUNT}.blob.core.windows.net/{container}?{sas}"


@contextlib.contextmanager
def started(folder):
    """Start one; ``folder`` takes what it says."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["node", MAIN, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent"]
    words += ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]
    environ = os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with (folder / "azurite.log").open("w") as log:
        process = subprocess.Popen(
            words, cwd=folder, env=environ, stdout=log, stderr=log, start_new_session=True
        )
    try:
        end = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, (folder / "azurite.log").read_text()
            assert time.monotonic() < end, "Azurite does not answer"
            time.sleep(0.1)
        yield Azurite(port)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
