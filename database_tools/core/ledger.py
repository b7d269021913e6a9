"""The ledger of a stage: what came in is what went out plus what was dropped, by reason.

Ledger("make_classification_dataset", total=5, kept=3, made=4,
       dropped={"missing": ["b.jpg"], "nothing detected": ["c.jpg"]})
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NEARLY_ALL = 0.9
"""Share of pictures that could not be read from which on something else is wrong."""


@dataclass(frozen=True)
class Ledger:
    """One stage's account of its inputs.

    Attributes:
        stage: name of the stage, as in ``<stage>_ledger.json``.
        total: number of inputs, as counted where they enter.
        kept: number of inputs that are in the output.
        dropped: reason to the inputs left out for it, in the order of the input; reasons are
            those of ``core/reasons``.
        made: number of outputs, where an input may have several; None where each has one.
        beside: what is no input of its own, and so is not in the sum: kind to names.

    Raises:
        ValueError: if the numbers do not add up, which is a fault of the stage.
    """

    stage: str
    total: int
    kept: int
    dropped: Mapping[str, Sequence[str]] = field(default_factory=dict)
    made: int | None = None
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.total != self.kept + self.number_dropped:
            raise ValueError(
                f"{self.stage}: {self.total} in, but {self.kept} kept and "
                f"{self.number_dropped} dropped"
            )

    @property
    def number_dropped(self) -> int:
        """How many inputs are not in the output."""
        return sum(len(files) for files in self.dropped.values())

    @property
    def outputs(self) -> int:
        """How many outputs there are."""
        return self.kept if self.made is None else self.made

    def count(self, *groups: frozenset[str]) -> int:
        """Return how many inputs were dropped for a reason of these groups."""
        return sum(
            len(files) for why, files in self.dropped.items() if any(why in g for g in groups)
        )

    def summary(self) -> str:
        """Say in one line what was left out; empty when nothing was."""
        if not self.number_dropped:
            return ""
        reasons = _by_size(self.dropped)
        return f"{self.number_dropped:,} of {self.total:,} were left out: {reasons}"

    def summary_beside(self) -> str:
        """Say in one line what is counted beside the inputs; empty when nothing is."""
        return _by_size(self.beside)


class Drops:
    """Collects (file, reason) while a stage runs; ``close`` makes the ledger."""

    def __init__(self) -> None:
        self._by_reason: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, file: str) -> None:
        """Note that ``file`` is left out for ``reason``."""
        self._by_reason[reason].append(file)

    def close(self, stage: str, total: int, kept: int) -> Ledger:
        """Return the ledger, reasons sorted; ``total`` is counted where inputs enter."""
        dropped = {reason: tuple(files) for reason, files in sorted(self._by_reason.items())}
        return Ledger(stage, total, kept, dropped)


def _by_size(lists: Mapping[str, Sequence[str]]) -> str:
    by_size = sorted(lists.items(), key=lambda item: (-len(item[1]), item[0]))
    return ", ".join(f"{len(files):,} {reason}" for reason, files in by_size if files)
