"""A proxy in front of an emulator that spoils one request in so many, as networks do."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RESET, BUSY, CUT = "reset", "503", "cut"


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a port of this machine.

    Attributes:
        faults: kind to its share of the requests.
        counts: how often each happened; "" for none.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, faults, seed=0):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.faults, self.counts = port, faults, Counter()
        self._random, self._lock = random.Random(seed), threading.Lock()

    def fault(self):
        """Draw what happens to the next request."""
        with self._lock:
            weights = [*self.faults.values(), 1 - sum(self.faults.values())]
            kind = self._random.choices([*self.faults, ""], weights)[0]
            self.counts[kind] += 1
        return kind

    def handle_error(self, *_):
        """Say nothing of clients that leave."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    _client = None

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)

    def _pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.fault()
        if fault == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if fault == BUSY:
            self._answer(503, {"x-ms-error-code": "ServerBusy"}, b"")
            return
        self._client = self._client or http.client.HTTPConnection("127.0.0.1", self.server.upstream)
        try:
            self._client.request(self.command, self.path, body, dict(self.headers))
            answer = self._client.getresponse()
        except (http.client.HTTPException, OSError):  # it closes connections that wait
            self._client.close()
            self._client.request(self.command, self.path, body, dict(self.headers))
            answer = self._client.getresponse()
        content = answer.read()
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in _PER_CONNECTION}
        self._answer(answer.status, headers, content, is_cut=fault == CUT)

    def _answer(self, status, headers, content, *, is_cut=False):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if is_cut else content)
        self.close_connection |= is_cut


_PER_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@contextlib.contextmanager
def running(port, faults, seed=0):
    """Run one in front of a port; its own is ``server_address[1]``."""
    with Proxy(port, faults, seed) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()
