"""The ordered stream: work is done ahead and in any order, results come in the order of items.

It is bounded: so many items that wait or are done, those without work included, and so many
bytes of results.  Our own processes are given two jobs each; while the first of the line is not
done, their parent does the next one itself.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from database_tools.work import executors
from database_tools.work.executors import Processes

Item = TypeVar("Item")
Job = TypeVar("Job")
Result = TypeVar("Result")

MOST_BYTES = 256 << 20

_AHEAD = 4
"""Items for each worker in the line: hides slow ones, bounds memory."""

_EACH = 2
"""Jobs that one of our processes has: one that it does, one that it finds when this is done."""

_FADES = 0.9
"""What is left of a heavy result's weight in what is expected, with each later one."""


def in_order(
    executor: Executor,
    work: Callable[[Job], Result],
    items: Iterable[tuple[Item, Job | None]],
    ahead: int | None = None,
    weight: Callable[[Result], int] | None = None,
) -> Iterator[tuple[Item, Result | None]]:
    """Work on jobs while keeping the order of the items.

    Args:
        executor: does the work.
        work: a function that other processes can import, as its jobs and results can be pickled.
        items: pairs of anything and its job; None for nothing to do.
        ahead: most items that wait or are done and not taken yet; None for four for each worker.
        weight: bytes of a result; the sum of those not taken yet, with those expected of what
            waits, stays below ``MOST_BYTES``, but for one.

    Yields:
        Each item with the result of its job, None where it had none.

    Raises:
        UserError: if a worker is gone, which nearly always means: out of memory.
    """
    line: _Line[Item, Job, Result] = _Line(executor, work, weight or (lambda result: 0))
    source = iter(items)
    most = ahead or _AHEAD * executors.size(executor)
    more = True
    try:
        while True:
            while more and not line.first_needs_nothing() and line.has_room(most):
                item = next(source, None)
                if item is None:
                    more = False
                else:
                    line.join(*item)
            if not line.places:
                return
            yield line.take()
    finally:
        line.leave()


@dataclass(slots=True)
class _Place(Generic[Item, Job, Result]):
    """An item in the line.

    Attributes:
        item: whatever it is.
        job: to do for it, None for nothing.
        future: of its result; None as long as nobody has the job.
        size: its result's in bytes, once that is here.
    """

    item: Item
    job: Job | None
    future: Future[Result] | None = None
    size: int | None = None

    @property
    def waits(self) -> bool:
        """Whether its job is nobody's yet."""
        return self.job is not None and self.future is None


class _Line(Generic[Item, Job, Result]):
    """Items that wait or are done, in their order."""

    def __init__(
        self,
        executor: Executor,
        work: Callable[[Job], Result],
        weight: Callable[[Result], int],
    ) -> None:
        self._executor, self._work, self._weight = executor, work, weight
        self._expected = 0.0
        self._helps = isinstance(executor, Processes)
        self._most = _EACH * (executors.size(executor) - 1) if self._helps else sys.maxsize
        self.places: deque[_Place[Item, Job, Result]] = deque()

    def join(self, item: Item, job: Job | None) -> None:
        """Add an item, and hand its job over if it is wanted already."""
        self.places.append(_Place(item, job))
        self._hand_over()

    def first_needs_nothing(self) -> bool:
        """Say whether the first item has no job, so that nothing else need be done before it."""
        return bool(self.places) and self.places[0].job is None

    def has_room(self, ahead: int) -> bool:
        """Say whether one more item fits in."""
        if len(self.places) >= ahead:
            return False
        return not self.places or self._held() + self._expected <= MOST_BYTES

    def take(self) -> tuple[Item, Result | None]:
        """Return the first item with its result, when there is one."""
        first = self.places[0]
        if first.job is None:
            self.places.popleft()
            return first.item, None
        self._hand_over()
        assert first.future is not None  # it is the first that is handed over
        while self._helps and not first.future.done() and self._help():
            self._hand_over()
        with _telling_of_lost_workers():
            result = executors.result(self._executor, first.future)
        self._size(first)
        self.places.popleft()
        return first.item, result

    def leave(self) -> None:
        """Take back what nobody has begun."""
        for place in self.places:
            if place.future is not None:
                with contextlib.suppress(Exception):
                    place.future.cancel()

    def _held(self) -> float:
        """Bytes of the results that are here or expected."""
        return sum(
            self._expected if (size := self._size(place)) is None else size for place in self.places
        )

    def _size(self, place: _Place[Item, Job, Result]) -> int | None:
        """Return the bytes of a result, None if it is not here."""
        if place.job is None:
            return 0
        if place.size is None and _is_done(place):
            assert place.future is not None
            place.size = self._weight(place.future.result())
            self._expected = max(place.size, self._expected * _FADES)
        return place.size

    def _hand_over(self) -> None:
        """Give jobs to the executor, as many as it shall have."""
        begun = sum(place.future is not None and not place.future.done() for place in self.places)
        for place in self.places:
            if begun >= self._most:
                return
            if place.waits:
                assert place.job is not None
                with _telling_of_lost_workers():
                    place.future = self._executor.submit(self._work, place.job)
                begun += 1

    def _help(self) -> bool:
        """Do the first job that nobody has; False if there is none."""
        place = next((place for place in self.places if place.waits), None)
        if place is None or place.job is None:
            return False
        place.future = Future()
        with _telling_of_lost_workers():
            place.future.set_result(self._work(place.job))
        return True


def _is_done(place: _Place[Item, Job, Result]) -> bool:
    """Say whether a result is here."""
    future = place.future
    if future is None or not future.done() or future.cancelled():
        return False
    return future.exception() is None


@contextlib.contextmanager
def _telling_of_lost_workers() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if (lost := executors.lost_worker(error)) is not None:
            raise lost from None
        raise
