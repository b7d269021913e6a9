"""Cosmos DB's emulator, on this machine alone: it answers queries, and overlooks partitions."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

MODULES = Path(sys.prefix, "node", "node_modules")
KEY = base64.b64encode(b"not to be seen by anybody").decode()  # any base64 does


def lacking():
    """What is not here that it needs, or None."""
    if shutil.which("node") is None or not (MODULES / "@vercel" / "cosmosdb-server").is_dir():
        return "Cosmos DB's emulator is not installed: scripts/test.sh does it where npm exists"
    return None if find_spec("azure.cosmos") else "the extra [azure] is not installed"


class Cosmos:
    """A running emulator.

    Attributes:
        endpoint: for COSMOS_ENDPOINT.
        key: for COSMOS_KEY.
    """

    key = KEY

    def __init__(self, port):
        self.endpoint = f"http://127.0.0.1:{port}/"

    @staticmethod
    def sequences(annotations, dataset):
        """COCO Camera Traps as MegaDB has it: each picture in a sequence of its own."""
        names = {category["id"]: category["name"] for category in annotations["categories"]}
        said = {}
        for annotation in annotations["annotations"]:
            said.setdefault(annotation["image_id"], []).append(names[annotation["category_id"]])
        return [
            {
                "dataset": dataset,
                "seq_id": f"s{number}",
                "location": image["location"],
                "images": [{"file": image["file_name"], "class": said[image["id"]]}],
            }
            for number, image in enumerate(annotations["images"])
        ]

    def fill(self, datasets, sequences):
        """Put MegaDB's documents into it, in place of what it has."""
        from azure.cosmos import CosmosClient, PartitionKey

        with CosmosClient(self.endpoint, KEY, enable_endpoint_discovery=False) as client:
            if any(database["id"] == "camera-trap" for database in client.list_databases()):
                client.delete_database("camera-trap")
            database = client.create_database("camera-trap")
            parts = {"datasets": ("/dataset_name", datasets), "sequences": ("/dataset", sequences)}
            for name, (key, rows) in parts.items():
                container = database.create_container(name, PartitionKey(key))
                for number, row in enumerate(rows):
                    container.create_item({"id": str(number), **row})


@contextlib.contextmanager
def started():
    """Start one; it ends with this process at the latest."""
    words = ["node", Path(__file__).with_name("node") / "cosmos.js"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    environ = os.environ | {"NODE_PATH": str(MODULES)}
    with subprocess.Popen(words, env=environ, start_new_session=True, **pipes) as process:
        yield Cosmos(int(process.stdout.readline()))
        process.stdin.close()
