"""The ledger of a stage: what came in is what went out plus what was dropped, by reason.

Ledger("make_classification_dataset", total=5, kept=3,
       dropped={"missing": ["b.jpg"], "no detection": ["c.jpg"]})
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ledger:
    """One stage's account of its inputs.

    Attributes:
        stage: name of the stage, as in ``<stage>_ledger.json``.
        total: number of inputs.
        kept: number of inputs that are in the output.
        dropped: reason to the inputs left out for it, in the order of the input.  A reason
            carries no address, time or other detail that differs between two equal runs.

    Raises:
        ValueError: if the numbers do not add up, which is a fault of the stage.
    """

    stage: str
    total: int
    kept: int
    dropped: Mapping[str, Sequence[str]] = field(default_factory=dict)

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

    def summary(self) -> str:
        """Say in one line what was left out; empty when nothing was."""
        if not self.number_dropped:
            return ""
        by_size = sorted(self.dropped.items(), key=lambda item: (-len(item[1]), item[0]))
        reasons = ", ".join(f"{len(files):,} {reason}" for reason, files in by_size if files)
        return f"{self.number_dropped:,} of {self.total:,} were left out: {reasons}"


class Drops:
    """Collects (file, reason) while a stage runs; ``close`` makes the ledger."""

    def __init__(self) -> None:
        self._by_reason: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, file: str) -> None:
        """Note that ``file`` is left out for ``reason``."""
        self._by_reason[reason].append(file)

    def close(self, stage: str, kept: int) -> Ledger:
        """Return the ledger of what was added, with reasons in alphabetical order."""
        dropped = {reason: tuple(files) for reason, files in sorted(self._by_reason.items())}
        total = kept + sum(len(files) for files in dropped.values())
        return Ledger(stage, total, kept, dropped)
