"""Batches of concurrent requests.

While one batch is computed the next collects what comes in: nobody waits for a batch to fill, and
a busy server computes full ones.  Two batches of 8 in flight keep the processor busy while a
finished one is turned to JSON; larger or more batches were no faster.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_classification.serving.errors import PictureError, RequestError

Array = npt.NDArray[Any]
Answer = dict[str, Array]
Compute = Callable[[Array], Answer]


class _Job:
    """Some rows of one request, the number of the first in it, and where the answer goes."""

    def __init__(self, rows: Array, first: int, answer: asyncio.Future[Answer]) -> None:
        self.rows = rows
        self.first = first
        self.answer = answer

    def fail(self, error: Exception) -> None:
        """Answer with an error, in which a picture has its number in the request."""
        if isinstance(error, PictureError):
            error = PictureError(self.first + error.row, error.reason)
        if not self.answer.done():
            self.answer.set_exception(error)


class Batcher:
    """Computes the rows of many requests together.

    Args:
        compute: from (N, ...) rows to outputs with N rows each; is called in threads.
        executor: gives the threads; as many as ``in_flight``.
        batch_size: most rows of a batch.
        in_flight: most batches at a time.
        queue_limit: with so many rows waiting, further requests are refused.
    """

    def __init__(
        self,
        compute: Compute,
        executor: Executor,
        *,
        batch_size: int = 8,
        in_flight: int = 2,
        queue_limit: int = 1024,
    ) -> None:
        self._compute = compute
        self._executor = executor
        self._batch_size = batch_size
        self._free = in_flight
        self._queue_limit = queue_limit
        self._waiting: deque[_Job] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, rows: Array) -> Answer:
        """Compute the rows of one request, however many.

        Raises:
            RequestError: UNAVAILABLE when too many rows wait already.
            Exception: whatever ``compute`` raises for these rows.
        """
        if sum(len(job.rows) for job in self._waiting) >= self._queue_limit:
            text = "The batch scheduling queue to which this task was submitted is full"
            raise RequestError("UNAVAILABLE", text)
        loop = asyncio.get_running_loop()
        jobs = [
            _Job(rows[first : first + self._batch_size], first, loop.create_future())
            for first in range(0, max(len(rows), 1), self._batch_size)
        ]
        self._waiting.extend(jobs)
        self._start()
        try:
            answers = await asyncio.gather(*(job.answer for job in jobs))
        finally:
            for job in jobs:
                job.answer.cancel()  # after a timeout or an error the rest is not computed
        return answers[0] if len(answers) == 1 else _join(answers)

    def _start(self) -> None:
        while self._free and (jobs := self._next_batch()):
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._run(jobs))
            self._running.add(task)  # the loop itself holds tasks only weakly
            task.add_done_callback(self._running.discard)

    def _next_batch(self) -> list[_Job]:
        jobs: list[_Job] = []
        size = 0
        while self._waiting and (not jobs or size + len(self._waiting[0].rows) <= self._batch_size):
            job = self._waiting.popleft()
            if not job.answer.done():
                jobs.append(job)
                size += len(job.rows)
        return jobs

    async def _run(self, jobs: list[_Job]) -> None:
        try:
            await self._finish(jobs)
        finally:
            self._free += 1
            self._start()

    async def _finish(self, jobs: list[_Job]) -> None:
        loop = asyncio.get_running_loop()
        rows = jobs[0].rows if len(jobs) == 1 else np.concatenate([job.rows for job in jobs])
        try:
            answer = await loop.run_in_executor(self._executor, self._compute, rows)
        except Exception as error:
            if len(jobs) > 1:  # one request's bad picture must not fail the others
                for job in jobs:
                    await self._finish([job])
            else:
                jobs[0].fail(error)
            return
        start = 0
        for job in jobs:
            end = start + len(job.rows)
            if not job.answer.done():
                job.answer.set_result({name: value[start:end] for name, value in answer.items()})
            start = end


def _join(answers: list[Answer]) -> Answer:
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}
