"""Notices early that a detector's boxes are all of classes that nobody asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from database_tools.core.detections import Failure, Found
from database_tools.core.errors import UserError

PICTURES = 100
"""So many are looked at; a folder that begins with as many people and no animal is rare."""


class CategoryGuard:
    """Watches the first pictures of a pass for boxes of wanted categories; None for any."""

    def __init__(
        self, wanted: frozenset[str] | None, threshold: float, names: Mapping[str, str]
    ) -> None:
        self.wanted, self.threshold, self.names = wanted, threshold, names
        self._seen = 0
        self._boxes: Counter[str] = Counter()

    @property
    def done(self) -> bool:
        """True when nothing that follows can matter."""
        return self.wanted is None or self._seen >= PICTURES

    def see(self, found: Found) -> None:
        """Look at one picture's result; failures do not count.

        Raises:
            UserError: at the last of ``PICTURES`` pictures, if they have boxes of other
                categories than those wanted and none of these.
        """
        if self.done or isinstance(found, Failure):
            return
        self._seen += 1
        self._boxes.update(found.select(found.at_least(self.threshold)).categories)
        if self._seen < PICTURES or not self._boxes:
            return
        if self.wanted is not None and not self.wanted & self._boxes.keys():
            raise UserError(self._message())

    def _message(self) -> str:
        wanted = ", ".join(map(self._named, sorted(self.wanted or ())))
        found = ", ".join(f"{n} of {self._named(c)}" for c, n in self._boxes.most_common())
        ids = " ".join(sorted(self._boxes))
        return (
            f"none of the first {PICTURES} detected images has a box of category {wanted}, but "
            f"there are {found}; if these are the animals, say --detection_category {ids}"
        )

    def _named(self, category: str) -> str:
        name = self.names.get(category)
        return f'{category} ("{name}")' if name else category
