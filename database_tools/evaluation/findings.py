"""What is found out about a detector."""

from __future__ import annotations

from dataclasses import dataclass

from database_tools.core.keeping import Kept, Proposal
from database_tools.core.precision_bounds import Floats


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was found out.

    Attributes:
        animals: what each keeps of pictures with animals.
        empty: what each keeps of empty pictures.
        by_label: the same of each label of animals.
        by_location: of each location: pictures with animals, and empty ones.
        boxes: COCO's figures; None where nobody drew boxes.
        people: number of pictures of people, left aside.
        of_sequences: number of judged pictures whose label is that of a burst.
    """

    detector: str
    thresholds: Floats
    animals: Kept
    empty: Kept
    by_label: dict[str, Kept]
    by_location: dict[str, tuple[Kept, Kept]]
    proposal: Proposal
    keep: float
    boxes: dict[str, float] | None
    people: int
    of_sequences: int
