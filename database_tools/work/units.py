"""Units of work: ranges of listed pictures, as large as pays and as small as memory wants.

A unit is small enough that every worker gets several, so that all end at about the same time,
and large enough that handing it over costs little.  Where units begin and end never changes
what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

LARGEST = 64
"""Pictures in a unit; in each of a cluster, where each way costs."""

_EACH = 8
"""Units that each worker gets at least."""

_BYTES = 16 << 20
"""Of the results of one unit, as far as can be known before."""


class Units:
    """Ranges of consecutive numbers.

    Attributes:
        most: numbers in the largest of them.
    """

    def __init__(self, number: int, workers: int, *, elsewhere: bool = False) -> None:
        """Choose a size.

        Args:
            number: of all pictures.
            workers: that share them.
            elsewhere: whether they are on other machines.
        """
        size = min(LARGEST, max(1, number // (_EACH * workers)))
        self.most = LARGEST if elsewhere else size
        self._elsewhere = elsewhere
        self._bytes_each = 0.0

    def weigh(self, pictures: int, size: int) -> None:
        """Learn how large results are: ``size`` bytes of so many pictures."""
        if self._elsewhere:
            return
        self._bytes_each = max(size / pictures, self._bytes_each * 0.9)

    def of(self, numbers: Iterable[int]) -> Iterator[range]:
        """Cut consecutive numbers into units, no sooner than they are asked for."""
        source = iter(numbers)
        while taken := list(islice(source, self._next())):
            yield range(taken[0], taken[-1] + 1)

    def _next(self) -> int:
        if not self._bytes_each:
            return self.most
        return max(1, min(self.most, int(_BYTES / self._bytes_each)))
