"""Requests made to stall the server or to fill its memory are refused, and cost little."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ctypes
import gzip
import json
import struct
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="extra [serve] is not installed")
pytest.importorskip("orjson", reason="extra [serve] is not installed")
httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from tf_classification.serving import encoding, json_rows, json_tensor  # noqa: E402
from tf_classification.serving.errors import RequestError  # noqa: E402

PREDICT = "/v1/models/demo:predict"
MB = 10**6


@pytest.fixture(scope="module")
def server(served_bundle):
    from tf_classification.serving.app import Limits, Server
    from tf_classification.serving.servable import Servable

    return Server(Servable(served_bundle), "demo", Limits())


def instances(content, pixels=False):
    signature = b'"signature_name": "serving_pixels", ' if pixels else b""
    return b"{" + signature + b'"instances": [' + content + b"]}"


HOSTILE = {
    "empty strings": lambda: instances(b'"",' * (3 * MB) + b'""'),
    "empty strings, 30 MB": lambda: instances(b'"",' * (10 * MB) + b'""'),
    "empty lists": lambda: instances(b"[]," * (3 * MB) + b"[]"),
    "empty objects": lambda: instances(b"{}," * (3 * MB) + b"{}"),
    "numbers": lambda: instances(b"1," * (10 * MB) + b"1", pixels=True),
    "numbers in one row": lambda: instances(b"[" + b"1," * (10 * MB) + b"1]", pixels=True),
    "numbers in wrong rows": lambda: instances(
        b",".join([b"[" + b"1," * 3071 + b"1]"] * 1000), pixels=True
    ),
    "lists in a row": lambda: instances(b"[" + b"[]," * 3071 + b"[]]", pixels=True),
    "columns": lambda: b'{"inputs": {"image_bytes": [' + b'"",' * (3 * MB) + b'""]}}',
    "beside the rows": lambda: b'{"x": "' + b"y" * (9 * MB) + b'", "instances": [1]}',
    "after the rows": lambda: b'{"instances": [1], "x": [' + b"1," * (3 * MB) + b"1]}",
    "many keys": lambda: b"{" + b",".join(b'"k%d":1' % i for i in range(MB)) + b"}",
    "many keys in a row": lambda: instances(
        b"{" + b",".join(b'"k%d":1' % i for i in range(MB)) + b"}"
    ),
    "64 lists": lambda: instances(b"[" * 64 + b"]" * 64),
    "lists without end": lambda: b"[" * (9 * MB),
    "deep objects": lambda: b'{"a":' * (2 * MB) + b"1" + b"}" * (2 * MB),
    "huge whole number": lambda: instances(b"9" * (9 * MB), pixels=True),
    "huge exponent": lambda: instances(b"[1e999]", pixels=True),
    "no base64": lambda: instances(b'{"b64": "' + b"?" * (30 * MB) + b'"}'),
    "base64 of no picture": lambda: instances(b'{"b64": "' + b"AAAA" * (7 * MB) + b'"}'),
    "white space in base64": lambda: instances(b'{"b64": "' + b" " * (30 * MB) + b'"}'),
    "escapes": lambda: instances(b'"' + b"\\" * (30 * MB) + b'"'),
    "a long text": lambda: instances(b'"' + b"y" * (30 * MB) + b'"'),
    "a long key": lambda: instances(b'{"' + b"y" * (30 * MB) + b'": 1}'),
    "escaped base64": lambda: instances(b'{"b64": "' + rb"\/" * (15 * MB) + b'"}'),
    "escapes in base64": lambda: instances(b'{"b64": "' + rb"\u0041" * (5 * MB) + b'"}'),
    "quotes": lambda: b'"' * (30 * MB),
    "white space": lambda: b" " * (30 * MB),
    "noise": lambda: np.random.default_rng(0).bytes(9 * MB),
    "no list": lambda: b'{"inputs": {"b64": "' + b"AAAA" * (2 * MB) + b'"}}',
    "a number": lambda: b"7",
    "null rows": lambda: b'{"instances": null}',
    "a list as the signature": lambda: b'{"signature_name": [1], "instances": [1]}',
}


@dataclass
class Cost:
    """What a block took: CPU seconds of its thread, and bytes of its process at the most."""

    cpu_seconds: float = 0
    grown: int = 0


@contextlib.contextmanager
def measuring():
    cost = Cost()
    ctypes.CDLL(None).malloc_trim(0)  # what is free of earlier blocks would be taken again
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, cpu = peak(), time.thread_time()
    yield cost
    cost.cpu_seconds, cost.grown = time.thread_time() - cpu, peak() - before


def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


async def send(server, kind):
    body = HOSTILE[kind]()

    async def chunks():
        for start in range(0, len(body), 2**16):
            yield body[start : start + 2**16]

    transport = httpx.ASGITransport(server.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.post(PREDICT, content=b"{}")
        with measuring() as cost:
            response = await client.post(PREDICT, content=chunks())
    return response.status_code, response.text, len(body), cost


def attack(bundle):
    """Return what each hostile body got and cost, of a server in a process of its own."""
    from tf_classification.serving.app import Limits, Server
    from tf_classification.serving.servable import Servable

    server = Server(Servable(bundle), "demo", Limits())
    return {kind: asyncio.run(send(server, kind)) for kind in HOSTILE}


@pytest.fixture(scope="module")
def attacked(served_bundle, alone):
    return alone(attack, served_bundle)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_body_is_refused_and_costs_little(attacked, kind):
    status, answer, sent, cost = attacked[kind]
    assert 400 <= status < 500, answer
    assert len(answer.encode()) < 2000
    assert cost.cpu_seconds <= 0.2
    assert cost.grown <= 3 * sent + 4 * MB


def test_small_requests_are_answered_while_a_large_one_is_read(server, crop):
    body = HOSTILE["no base64"]()
    picture = {"image_bytes": {"b64": base64.b64encode(crop()).decode()}}

    async def both():
        transport = httpx.ASGITransport(server.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            large = asyncio.create_task(client.post(PREDICT, content=body))
            small = await client.post(PREDICT, json={"instances": [picture]})
            return await large, small

    large, small = asyncio.run(both())
    assert (large.status_code, small.status_code) == (400, 200)


TYPES = {"pixels": "float", "image_bytes": "string"}


def read(body, limits, kind):
    return json_tensor.read(json_tensor.parse(body, limits), "s", {kind: TYPES[kind]})


@pytest.mark.parametrize("form", ["rows", "named rows", "columns", "named columns"])
def test_large_requests_are_read_row_by_row_to_the_same(form):
    pixels = np.random.default_rng(0).integers(0, 255, (5, 40, 40, 3)) + 0.25
    rows = pixels.tolist()
    named = [{"pixels": row} for row in rows]
    table = {
        "rows": {"instances": rows},
        "named rows": {"instances": named},
        "columns": {"inputs": rows},
        "named columns": {"inputs": {"pixels": rows}, "signature_name": "s"},
    }[form]
    body = json.dumps(table).encode()
    assert len(body) > json_rows.FRAME
    found = read(bytearray(body), json_rows.Limits(5, (40, 40, 3)), "pixels")
    assert found.rows == ("rows" in form)
    np.testing.assert_array_equal(found.inputs["pixels"], pixels.astype(np.float32))
    with pytest.raises(RequestError, match="4 pictures at most"):
        read(body, json_rows.Limits(4, (40, 40, 3)), "pixels")
    with pytest.raises(RequestError, match="more than 4,799 values"):
        read(body, json_rows.Limits(5, (4799,)), "pixels")


@pytest.mark.parametrize("space", ["", " \n"])
def test_large_base64_is_read_without_and_with_escapes_and_white_space(space):
    data = np.random.default_rng(0).bytes(60_000)
    text = base64.b64encode(data).decode()
    plain = f'{{{space}"b64"{space}:{space}"{text}"{space}}}'
    escaped = plain.replace("/", r"\/")  # as PHP writes it
    broken = f'{{"b64": "{text[:100]}\\n{text[100:]}"}}'
    named = f'{{"image_bytes":{space}{plain}{space}}}'
    for rows in ([plain, escaped, broken], [named, named]):
        body = f'{{"instances": [{",".join(rows)}]}}'.encode()
        assert len(body) > json_rows.FRAME
        found = read(body, json_rows.Limits(), "image_bytes").inputs["image_bytes"]
        assert found.tolist() == [data] * len(rows)


@pytest.mark.parametrize(
    "text",
    [
        '{"instances": ["%s", "]}"]}',
        r'{"instances": ["%s\\", "[1,2\"],", "\\\"]"]}',
        '{"x": "[[[{", "instances": ["%s", ",,,"]}',
        '{"instances": ["%s"], "x": [1, 2]}',
    ],
)
@pytest.mark.parametrize("length", [0, 2**18 - 40, 2**18 - 17, 2**18 - 16, 2**18])
def test_brackets_and_commas_in_texts_count_for_nothing(text, length):
    body = (text % ("é" * 100 + "y" * max(length - 100, 0) + "\\\\" * 20)).encode()
    found = read(body, json_rows.Limits(), "image_bytes").inputs["image_bytes"]
    assert found.tolist() == [row.encode() for row in json.loads(body)["instances"]]


@pytest.mark.parametrize(
    "text",
    ['{"instances": [%s}', '{"instances": [%s}}', '{"instances": [%s, ]}', '{"instances": [%s'],
)
def test_lists_that_are_not_closed_are_refused(text):
    rows = ",".join(['"' + "y" * 30_000 + '"'] * 4)
    with pytest.raises(RequestError, match="JSON Parse error"):
        read((text % rows).encode(), json_rows.Limits(), "image_bytes")


def test_gzip_is_read_and_nothing_else(server, crop):
    picture = {"image_bytes": {"b64": base64.b64encode(crop()).decode()}}
    body = json.dumps({"instances": [picture]}).encode()
    zipped = gzip.compress(body)
    lying = gzip.compress(b" " * (20 * MB))[:-4] + struct.pack("<I", 1000)
    asked = [
        ("gzip", zipped, 200),
        ("X-Gzip", zipped, 200),
        ("identity", body, 200),
        ("gzip", gzip.compress(b" " * (40 * MB)), 413),
        ("gzip", lying, 400),
        ("gzip", zipped[:50] + zipped[-4:], 400),
        ("gzip", body, 400),
        ("gzip", b"", 400),
        ("deflate", zipped, 415),
        ("br", zipped, 415),
        ("gzip, gzip", zipped, 415),
    ]

    async def ask():
        transport = httpx.ASGITransport(server.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [
                await client.post(PREDICT, content=content, headers={"Content-Encoding": name})
                for name, content, _ in asked
            ]

    responses = asyncio.run(ask())
    assert [r.status_code for r in responses] == [status for *_, status in asked]
    assert "deflate" in responses[8].json()["error"]


def inflate(content, answer):
    with measuring() as cost, pytest.raises(RequestError, match=answer):
        encoding.inflate(content, 32 * MB)
    return cost


def test_a_gzip_bomb_is_refused_before_it_is_inflated(alone):
    bomb = gzip.compress(b" " * (40 * MB))
    lying = bomb[:-4] + struct.pack("<I", 1000)
    for content, answer in (
        (bomb, "32,000,000 bytes at most"),
        (lying, "not as long as it says"),
    ):
        assert alone(inflate, content, answer).grown < 2 * MB
