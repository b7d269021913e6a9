"""The server against the frozen graph called directly: EfficientNet-B0, JPEG requests, 16 clients.

    python scripts/bench/serving.py --seconds 10 --rounds 5

Both decode, resize, compute and calibrate in the graph.  Directly: batches of 16 from one loop.
Served: 16 clients, each of which sends a crop, waits for the answer and sends the next.  They run
on the same processors, so their time is counted apart.  Each round measures one after the other.

Then /health is asked every 20 ms, first alone, then while a client sends one hostile body after
the other: 9 MB of ``"",``, 30 MB of numbers, 30 MB that is no base64.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

CLIENTS = 16
LABELS = tuple(f"label {i}" for i in range(20))


@dataclass(frozen=True)
class Measure:
    """One side of one round.

    Attributes:
        crops: how many were answered.
        wall: seconds.
        cpu: processor seconds of the process with the model.
        client_cpu: processor seconds of the clients.
    """

    crops: int
    wall: float
    cpu: float
    client_cpu: float = 0.0

    @property
    def per_cpu_second(self) -> float:
        """Crops per processor second of the process with the model."""
        return self.crops / self.cpu

    @property
    def per_free_second(self) -> float:
        """Crops per second of a processor that the clients left to the model."""
        return self.crops / ((os.cpu_count() or 1) * self.wall - self.client_cpu)


def crops(count: int, side: int = 300) -> list[bytes]:
    """Generate JPEG crops: smooth colours with some noise, about 20 kB each."""
    random = np.random.default_rng(0)
    encoded = []
    for _ in range(count):
        coarse = random.integers(0, 255, (side // 12, side // 12, 3)).astype(np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
        noisy = np.clip(smooth + random.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(noisy).save(file, "JPEG")
        encoded.append(file.getvalue())
    return encoded


def write_bundle(folder: Path) -> Path:
    """Write a B0 with random weights."""
    from tf_classification.models import bundle, networks
    from tf_classification.models.description import Description

    network = networks.build("efficientnet-b0", len(LABELS))
    described = Description(LABELS, "efficientnet-b0", 224)
    return bundle.write(folder / "b0", network, described).path


def direct(ask: Callable[[np.ndarray], object], encoded: list[bytes], seconds: float) -> Measure:
    """Ask the frozen graph in batches of 16."""
    files = np.array(encoded, object)
    batches = [files[i : i + CLIENTS] for i in range(0, len(files), CLIENTS)]
    done, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        ask(batches[done // CLIENTS % len(batches)])
        done += CLIENTS
    return Measure(done, time.perf_counter() - wall, time.process_time() - cpu)


def served(port: int, server: psutil.Process, encoded: list[bytes], seconds: float) -> Measure:
    """Ask the server with 16 clients at once."""
    requests = [_request(picture) for picture in encoded]
    cpu, client = _cpu(server), time.process_time()
    wall = time.perf_counter()
    done = asyncio.run(_ask_all(port, requests, wall + seconds))
    wall = time.perf_counter() - wall
    return Measure(done, wall, _cpu(server) - cpu, time.process_time() - client)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _request(picture: bytes) -> bytes:
    body = b'{"instances":[{"image_bytes":{"b64":"' + base64.b64encode(picture) + b'"}}]}'
    head = f"POST /v1/models/b0:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _ask_all(port: int, requests: list[bytes], until: float) -> int:
    async def client(number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        done = 0
        while time.perf_counter() < until:
            writer.write(requests[(number + done * CLIENTS) % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            assert length
            await reader.readexactly(int(length[1]))
            done += 1
        writer.close()
        return done

    return sum(await asyncio.gather(*(client(i) for i in range(CLIENTS))))


def hostile() -> list[bytes]:
    """Make the requests that are to stall the server."""
    bodies = [
        b'{"instances":[' + b'"",' * 3_000_000 + b'""]}',
        b'{"signature_name":"serving_pixels","instances":[' + b"1," * 15_000_000 + b"1]}",
        b'{"instances":[{"b64":"' + b"?" * 30_000_000 + b'"}]}',
    ]
    head = "POST /v1/models/b0:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n"
    return [head.format(len(body)).encode() + body for body in bodies]


async def health(
    port: int, seconds: float, attacks: list[bytes]
) -> tuple[list[float], list[bytes]]:
    """Ask /health every 20 ms; return how long each answer took and what the attacks were told."""
    until, told = time.perf_counter() + seconds, []

    async def ask(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return head

    async def attack() -> None:
        while attacks and time.perf_counter() < until:
            for request in attacks:
                told.append((await ask(request)).split(b"\r\n")[0])

    attacking = asyncio.create_task(attack())
    waits = []
    while time.perf_counter() < until:
        start = time.perf_counter()
        await ask(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        waits.append(time.perf_counter() - start)
        await asyncio.sleep(0.02)
    attacking.cancel()
    return waits, told


def show_health(port: int, server: psutil.Process, seconds: float) -> None:
    """Print how long /health takes, without and with an attack."""
    before = server.memory_info().rss
    for name, attacks in (("alone", []), ("attacked", hostile())):
        waits, told = asyncio.run(health(port, seconds, attacks))
        quantiles = statistics.quantiles(waits, n=100, method="inclusive")
        print(
            f"/health {name}: median {1000 * quantiles[49]:.1f} ms, 99 % {1000 * quantiles[98]:.1f}"
            f" ms, longest {1000 * max(waits):.1f} ms; {len(told)} attacks, {sorted(set(told))}"
        )
    print(f"memory of the server grew by {(server.memory_info().rss - before) / 1e6:.0f} MB")


@contextlib.contextmanager
def serving(path: Path, flags: list[str]) -> Iterator[tuple[int, psutil.Process]]:
    """Run serve.py; give its port and process."""
    command = [sys.executable, "-m", "tf_classification.serve", str(path), "--port", "0", *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        found = (re.search(r"listening on http://[^:]+:(\d+)", line) for line in process.stderr)
        port = next(int(match[1]) for match in found if match)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.communicate()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("flags", nargs="*", help="for serve.py, after --")
    args = parser.parse_args()
    from tf_classification.models import bundle
    from tf_classification.predictor.saved_model import SavedModel

    encoded = crops(64)
    with tempfile.TemporaryDirectory() as folder:
        path = write_bundle(Path(folder))
        call = SavedModel(bundle.read(path)).function("serving_default")
        with serving(path, args.flags) as (port, server):
            direct(call, encoded, 1), served(port, server, encoded, 1)  # warm up
            pairs = [
                (
                    direct(call, encoded, args.seconds),
                    served(port, server, encoded, args.seconds),
                )
                for _ in range(args.rounds)
            ]
            show_health(port, server, args.seconds)
    for i, (one, two) in enumerate(pairs, start=1):
        print(
            f"round {i}: direct {one.crops / one.wall:.1f}/s, {one.per_cpu_second:.1f} per CPU s; "
            f"served {two.crops / two.wall:.1f}/s, {two.per_cpu_second:.1f} per CPU s "
            f"(clients {two.client_cpu / two.wall:.2f} processors)"
        )
    for name in ("per_cpu_second", "per_free_second"):
        ratios = [getattr(two, name) / getattr(one, name) for one, two in pairs]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"served / direct, {name}: {statistics.median(ratios):.3f} ({spread})")


if __name__ == "__main__":
    main()
