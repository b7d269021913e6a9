"""The HTTP side of the server: TensorFlow Serving's addresses, a health check and a page.

==============================================  =================================================
POST /v1/models/NAME[/versions/N]:predict       classify
GET /v1/models/NAME[/versions/N]                status
GET /v1/models/NAME[/versions/N]/metadata       signatures
GET /health                                     whether it answers at all
GET /                                           a page to drop crops on
==============================================  =================================================

Every refusal has the body ``{"error": "..."}`` and TensorFlow Serving's code and text.

Source: tensorflow/serving, model_servers/http_rest_api_handler.cc.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tf_classification.serving import encoding, json_rows, json_tensor, page
from tf_classification.serving.batching import Batcher
from tf_classification.serving.errors import RequestError, invalid
from tf_classification.serving.servable import Servable

log = logging.getLogger(__name__)

_NAME = r"/v1/models/(?P<name>[^/:]+)"
_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(rf"{_NAME}{_VERSION}:(?P<method>classify|regress|predict)", re.IGNORECASE)
_STATUS = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<metadata>metadata))?", re.IGNORECASE
)
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


@dataclass(frozen=True)
class Limits:
    """What the server takes upon itself.

    Attributes:
        request_bytes: largest body of a request.
        seconds: longest time from a request's arrival to its answer.
        batch_size: most pictures computed together.
        in_flight: most batches at a time.
        queue: most pictures that may wait, and most in one request.
    """

    request_bytes: int = 32 * 2**20
    seconds: float = 30.0
    batch_size: int = 8
    in_flight: int = 2
    queue: int = 1024


class Server:
    """Answers requests for one model."""

    def __init__(self, servable: Servable, name: str, limits: Limits) -> None:
        self._servable = servable
        self._name = name
        self._limits = limits
        self._executor = ThreadPoolExecutor(limits.in_flight, thread_name_prefix="model")
        self._batchers = {
            key: Batcher(
                signature.compute,
                self._executor,
                batch_size=limits.batch_size,
                in_flight=limits.in_flight,
                queue_limit=limits.queue,
            )
            for key, signature in servable.signatures.items()
        }
        # One thread would let a large request hold up the small ones.
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="reader")
        shapes = [signature.row for signature in servable.signatures.values()]
        self._rows = json_rows.Limits(limits.queue, max(shapes, key=math.prod))
        self._page = page.render(servable.bundle.description, name)

    def app(self) -> Starlette:
        """Make the ASGI application."""
        routes = [
            Route("/", self._show_page, methods=["GET"]),
            Route("/health", self._health, methods=["GET"]),
            Route("/{path:path}", self._answer, methods=_METHODS),
        ]
        return Starlette(routes=routes)

    async def _show_page(self, _: Request) -> Response:
        headers = {"Content-Security-Policy": page.POLICY}
        return HTMLResponse(self._page, headers=headers)

    async def _health(self, _: Request) -> Response:
        version = str(self._servable.bundle.version)
        return _json({"status": "ok", "model": self._name, "version": version})

    async def _answer(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._dispatch(request)
        except RequestError as refusal:
            return _refuse(refusal)
        except TimeoutError:
            return _refuse(RequestError("DEADLINE_EXCEEDED", "Timed out waiting for the answer"))
        except ClientDisconnect:
            return _refuse(RequestError("CANCELLED", "the client closed the connection"))
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            return _refuse(RequestError("INTERNAL", "the server failed; see its log"))

    async def _dispatch(self, request: Request) -> Response:
        path = request.url.path
        if request.method == "POST" and (match := _PREDICT.fullmatch(path)):
            return await self._predict(request, match)
        if request.method == "GET" and (match := _STATUS.fullmatch(path)):
            return self._status(match)
        if not path.lower().startswith("/v1/"):
            raise RequestError("NOT_FOUND", "Not Found")
        raise invalid(f"Malformed request: {request.method} {path}")

    async def _predict(self, request: Request, match: re.Match[str]) -> Response:
        zipped = encoding.check(request.headers.get("content-encoding", ""))
        body = await self._body(request)
        # Parsing takes long where a request is large or hostile: the loop answers others meanwhile.
        loop = asyncio.get_running_loop()
        asked = await loop.run_in_executor(self._readers, self._read, body, zipped, match)
        del body
        key = asked.signature
        answer = await self._batchers[key](asked.inputs[self._servable.signatures[key].input_name])
        write = functools.partial(json_tensor.write, answer, rows=asked.rows)
        text = await loop.run_in_executor(self._readers, write)
        return Response(text, media_type="application/json")

    def _read(
        self, body: bytes | bytearray, zipped: bool, match: re.Match[str]
    ) -> json_tensor.Request:
        """Understand and check the body of a request, in a thread of its own."""
        if zipped:
            body = encoding.inflate(body, self._limits.request_bytes)
        table = json_tensor.parse(body, self._rows)
        key = json_tensor.signature_of(table)
        self._check_servable(match)
        if match["method"] != "predict":
            wanted = f"tensorflow/serving/{match['method'].lower()}"
            kind = "classification" if wanted.endswith("classify") else "regression"
            raise invalid(
                f"Expected {kind} signature method_name to be {wanted}. "
                "Was: tensorflow/serving/predict"
            )
        signature = self._servable.signatures.get(key)
        if signature is None:
            raise invalid(f'Serving signature name: "{key[:100]}" not found in signature def')
        asked = json_tensor.read(table, key, {signature.input_name: signature.kind})
        signature.check(asked.inputs[signature.input_name])
        return asked

    async def _body(self, request: Request) -> bytearray:
        limit = self._limits.request_bytes
        too_large = RequestError("PAYLOAD_TOO_LARGE", f"a request may have {limit:,} bytes at most")
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > limit:
            raise too_large
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise too_large
        return body

    def _check_servable(self, match: re.Match[str]) -> None:
        """Refuse a model, version or label that is not served, as for a predict request."""
        if match["label"]:
            raise invalid(f"Unrecognized servable version label: {match['label']}")
        version = _number(match["version"])
        if match["name"] == self._name and version in (None, self._servable.bundle.version):
            return
        which = f"Specific({match['name']}, {version})" if version is not None else None
        which = which or f"Latest({match['name']})"
        raise RequestError("NOT_FOUND", f"Servable not found for request: {which}")

    def _status(self, match: re.Match[str]) -> Response:
        if match["name"] is None:
            raise invalid("Missing model name in request.")
        if match["metadata"]:
            self._check_servable(match)
            table = self._servable.metadata
            return _json(table | {"model_spec": table["model_spec"] | {"name": self._name}})
        if match["label"]:
            raise invalid(f"Unrecognized servable version label: {match['label']}")
        version, ours = _number(match["version"]), self._servable.bundle.version
        if match["name"] != self._name or version not in (None, ours):
            which = "any versions" if version is None else f"version {version}"
            raise RequestError("NOT_FOUND", f"Could not find {which} of model {match['name']}")
        state = {
            "version": str(ours),
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
        return _json({"model_version_status": [state]})


def _number(version: str | None) -> int | None:
    if version is None:
        return None
    if int(version[:20]) >= 2**63:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return int(version)


def _json(table: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(table), status, media_type="application/json")


def _refuse(refusal: RequestError) -> Response:
    return _json({"error": refusal.message}, refusal.status)
