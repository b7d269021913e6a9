"""Concurrent requests are computed together, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("orjson", reason="extra [serve] is not installed")

from tf_classification.serving.batching import Batcher
from tf_classification.serving.errors import RequestError


class Doubler:
    """A model that doubles, remembers its batches and can be held."""

    def __init__(self):
        self.sizes = []
        self.gate = threading.Event()
        self.gate.set()
        self.running = 0
        self.most_running = 0
        self.lock = threading.Lock()

    def __call__(self, rows):
        with self.lock:
            self.sizes.append(len(rows))
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        self.gate.wait(10)
        with self.lock:
            self.running -= 1
        if (rows < 0).any():
            raise ValueError("negative")
        return {"twice": rows * 2, "index": np.arange(len(rows))}


def run(scenario, **options):
    """Run an async scenario(batcher, model) with threads for two batches."""
    model = Doubler()

    async def main():
        with ThreadPoolExecutor(2) as executor:
            try:
                return await scenario(Batcher(model, executor, **options), model)
            finally:
                model.gate.set()

    return asyncio.run(main()), model


async def settled():
    for _ in range(20):
        await asyncio.sleep(0.001)


def test_requests_that_wait_are_computed_together_and_answered_apart():
    async def scenario(batcher, model):
        model.gate.clear()
        tasks = [asyncio.create_task(batcher(np.array([float(i)]))) for i in range(18)]
        await settled()
        model.gate.set()
        return await asyncio.gather(*tasks)

    answers, model = run(scenario)
    assert [answer["twice"].tolist() for answer in answers] == [[2.0 * i] for i in range(18)]
    assert sorted(model.sizes) == [1, 1, 8, 8]  # two at once found nobody to share with
    assert model.most_running == 2


def test_a_request_larger_than_a_batch_is_cut_and_put_together_again():
    async def scenario(batcher, _):
        return await batcher(np.arange(19.0))

    answer, model = run(scenario)
    np.testing.assert_array_equal(answer["twice"], 2 * np.arange(19.0))
    assert sorted(model.sizes) == [3, 8, 8]


def test_a_batch_never_exceeds_its_size():
    async def scenario(batcher, model):
        model.gate.clear()
        tasks = [asyncio.create_task(batcher(np.zeros(5))) for _ in range(6)]
        await settled()
        model.gate.set()
        await asyncio.gather(*tasks)

    _, model = run(scenario)
    assert model.sizes == [5] * 6


def test_a_bad_request_fails_alone():
    async def scenario(batcher, model):
        model.gate.clear()
        values = [1.0, 2.0, 3.0, -1.0, 4.0]
        tasks = [asyncio.create_task(batcher(np.array([v]))) for v in values]
        await settled()
        model.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers, _ = run(scenario)
    assert isinstance(answers[3], ValueError)
    assert [a["twice"][0] for i, a in enumerate(answers) if i != 3] == [2, 4, 6, 8]


def test_a_full_queue_refuses():
    async def scenario(batcher, model):
        model.gate.clear()
        tasks = [asyncio.create_task(batcher(np.zeros(8))) for _ in range(3)]
        await settled()
        with pytest.raises(RequestError, match=r"batch scheduling queue .* is full") as caught:
            await batcher(np.zeros(1))
        model.gate.set()
        await asyncio.gather(*tasks)
        return caught.value.status

    status, _ = run(scenario, queue_limit=8)
    assert status == 503


def test_a_request_that_was_given_up_is_not_computed():
    async def scenario(batcher, model):
        model.gate.clear()
        first = [asyncio.create_task(batcher(np.zeros(8))) for _ in range(2)]
        await settled()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await batcher(np.array([7.0]))
        model.gate.set()
        await asyncio.gather(*first)
        await batcher(np.array([1.0]))

    _, model = run(scenario)
    assert model.sizes == [8, 8, 1]


def test_an_empty_request_gets_an_empty_answer():
    async def scenario(batcher, _):
        return await batcher(np.zeros(0))

    answer, _ = run(scenario)
    assert answer["twice"].shape == (0,)
