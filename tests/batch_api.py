"""A stand-in for the Batch Detection API: its rules, real lists and containers, a clock of tests.

It reads the list of pictures and the container through their SAS, as the service does, and puts
what it found where only a SAS leads.  What it found is one animal in every picture.

Source: the API's manual and its server, as they were read.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SILENT = logging.Logger("azure", logging.CRITICAL + 1)  # it would tell of each request
RESULTS, CALLER, PREFIX = "results", "me", "/v4/camera-trap/detection-batch"
FOUND = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]}
NAMES = {"1": "animal", "2": "person", "3": "vehicle"}


class Refusal(Exception):  # noqa: N818 - an answer
    """A status, and the words that go with it."""


class BatchApi(ThreadingHTTPServer):
    """A running service.

    Attributes:
        now: its clock, in seconds.
        created: age until which a task is created; it runs then.
        ended: age from which on it has ended.
        waits: what its clients waited.
        bodies: of what was submitted.
        tasks: by their ids, (when submitted, pictures, its name).
        busy: how many requests have no room.
        ends: how tasks end, by name; completed where it is not said.
        lost, failing: pictures without an entry, and with a failure.
        broken: how many answers about tasks are no JSON.
        status: another word for the state of a running task.
        told: what goes into each answer of a task, instead of the truth.
        hours: of the SAS of a result; expired if it is negative.
    """

    def __init__(self, azurite):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.azurite, self.tasks, self.waits, self.bodies = azurite, {}, [], []
        self.created, self.ended = 10, 60
        self.now, self.busy, self.broken, self.hours = 0.0, 0, 0, 1.0
        self.ends, self.lost, self.failing, self.status, self.told = {}, set(), set(), "running", {}
        azurite.fill(RESULTS)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}{PREFIX}"

    def sleep(self, seconds):
        """Let time go by; what its clients call instead of ``time.sleep``."""
        self.waits.append(seconds)
        self.now += seconds

    def submit(self, body):
        if body.get("caller") != CALLER:
            raise Refusal(401, "who are you?")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,92}", body.get("request_name", "")):
            raise Refusal(400, "request_name has letters that are not allowed")
        if body.get("model_version", "4.1") not in ("3", "4.1"):
            raise Refusal(400, "model_version is not supported")
        if self.busy:
            self.busy -= 1
            raise Refusal(503, "the queue is full")
        names = self._pictures(body)
        task = uuid.uuid4().hex
        self.tasks[task] = self.now, names, body.get("request_name", "")
        self.bodies.append(body)
        return {"request_id": task}

    def _pictures(self, body):
        from azure.core.exceptions import AzureError
        from azure.storage.blob import ContainerClient

        container = body.get("input_container_sas", "")
        sas = parse_qs(urlsplit(container).query)
        if not sas.get("si") and not {"r", "l"} <= set(sas.get("sp", [""])[0]):
            raise Refusal(400, f"input_container_sas must permit to read and list: {container}")
        try:
            with ContainerClient.from_container_url(container, logger=SILENT) as client:
                there = list(client.list_blob_names())
        except AzureError:
            raise Refusal(400, "input_container_sas cannot be listed") from None
        if (address := body.get("images_requested_json_sas")) is None:
            asked = there
        else:
            try:
                with urllib.request.urlopen(address) as response:
                    asked = json.load(response)
            except (OSError, ValueError):
                raise Refusal(400, "images_requested_json_sas cannot be read") from None
            if not isinstance(asked, list) or not set(asked) <= set(there):
                raise Refusal(400, "images_requested_json is not a list of the container's blobs")
        prefix, endings = body.get("image_path_prefix", ""), (".jpg", ".jpeg", ".png")
        return [n for n in asked if n.startswith(prefix) and n.lower().endswith(endings)]

    def task(self, number):
        number = number.replace("-", "")
        if number not in self.tasks:
            raise Refusal(404, "Task not found")
        start, names, name = self.tasks[number]
        age, end = self.now - start, self.ends.get(name, "completed")
        if age < self.created:
            state, message = "created", "created"
        elif age < self.ended or end == "stuck":
            state, message = self.status, "0 of 1 shards done"
        elif end != "completed":
            state, message = end, f"it is {end}"
        else:
            state, message = "completed", self._output(number, names)
        status = {"request_status": state, "message": message}
        return {"Status": status, "TaskId": number, "Endpoint": PREFIX, **self.told}

    def _output(self, number, names):
        if not names:
            return "zero images found in container or requested"
        images = [
            {"file": name, "failure": "Failure image access"}
            if name in self.failing
            else {"file": name, "max_detection_conf": 0.9, "detections": [FOUND]}
            for name in names
            if name not in self.lost
        ]
        info = {"detector": "megadetector_v4.1", "format_version": "1.1"}
        table = {"info": info, "detection_categories": NAMES, "images": images}
        blob = f"{number}/detections.json"
        self.azurite.fill(RESULTS, {blob: json.dumps(table).encode()})
        address = f"{self.azurite.endpoint.format(account=self.azurite.account)}/{RESULTS}/{blob}"
        url = f"{address}?{self.azurite.sas(RESULTS, 'r', self.hours)}"
        lost = int(bool(self.lost & set(names)))
        return {"num_failed_shards": lost, "output_file_urls": {"detections": url}}

    def cancel(self, body):
        number = body.get("request_id", "")
        if body.get("caller") != CALLER:
            raise Refusal(401, "who are you?")
        if self.task(number)["Status"]["request_status"] not in ("running", "problem"):
            raise Refusal(400, "it does not run")
        self.ends[self.tasks[number][2]] = "canceled"
        return "Canceling signal sent."


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(lambda: self.server.task(self.path.rpartition("/task/")[2]))

    def do_POST(self):
        content = self.rfile.read(int(self.headers["content-length"]))
        endpoint = self.path.removeprefix(f"{PREFIX}/")
        work = {"request_detections": self.server.submit, "cancel_request": self.server.cancel}

        def answer():
            if self.headers["content-type"] != "application/json":
                raise Refusal(415, "no JSON")
            return work[endpoint](json.loads(content))

        self.answer(answer)

    def answer(self, work):
        try:
            status, body = 200, work()
        except Refusal as refusal:
            status, body = refusal.args[0], {"error": refusal.args[1]}
        text = body if isinstance(body, str) else json.dumps(body)
        if self.command == "GET" and self.server.broken:
            self.server.broken -= 1
            text = text[: len(text) // 2]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def started(azurite):
    """Start one that keeps its results in Azurite."""
    with BatchApi(azurite) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
