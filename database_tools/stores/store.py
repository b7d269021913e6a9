"""What every store of files can do; ``tests/database_tools/stores`` judges each kind by the same.

Names are relative, with forward slashes; one that leads out of the store is none of its files.
What cannot be had is told with a reason of ``core.reasons``, and is no fault of the others.  Where
none can be had, as nobody is let in, any call raises a UserError.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol


class Unavailable(Exception):  # noqa: N818 - it is a state of the file, not a fault
    """A file that cannot be had.

    Attributes:
        reason: one of ``reasons.READING`` or ``reasons.OUTSIDE``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Store(Protocol):
    """Files by name."""

    def exists(self, name: str) -> bool:
        """Say whether there is a file of this name; raise Unavailable if nobody can say it."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading; raise Unavailable if that cannot be."""
        ...

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the names that begin with ``prefix``, sorted."""
        ...

    def fetch(self, name: str, target: Path) -> None:
        """Bring a file to ``target``, whole or not at all, in place of what is there.

        Raises:
            Unavailable: if it cannot be had; ``target`` stays as it was.
            UserError: if ``target`` cannot be written.
        """
        ...
