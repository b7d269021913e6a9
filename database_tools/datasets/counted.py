"""How many crops of each label a classification dataset has at each location, and where these are.

The table is gone through once, however many crops it has; whoever wants more of them looks on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.label_shares import LabelShares
from database_tools.core.splits import ALL
from database_tools.formats import classification_csv, splits_json
from database_tools.formats.classification_csv import Crop
from database_tools.formats.splits_json import Location

SPLITS_JSON = "splits.json"


@dataclass(frozen=True, eq=False)
class Counted:
    """See the module.

    Attributes:
        places: all locations of the table and of the splits, sorted.
        named: of each place the splits that name it, as numbers of ``splits.ALL``.
        labels: sorted; several of one crop, joined by commas, are one.
    """

    places: list[Location]
    named: list[tuple[int, ...]]
    labels: list[str]
    crops: npt.NDArray[np.int64]

    @property
    def shares(self) -> LabelShares:
        """How they are spread over the splits."""
        return LabelShares.of(self.labels, self.crops, self.named)


def read(folder: Path, look: Callable[[Crop, str], None]) -> Counted:
    """Read ``classification_ds.csv`` and ``splits.json``; ``look`` at each crop and its label.

    Raises:
        UserError: if a file is missing or breaks its format.
    """
    named = splits_json.read_all(folder / SPLITS_JSON)
    counts: Counter[tuple[Location, str]] = Counter()
    for crop in classification_csv.read(folder / classification_csv.NAME):
        label = ",".join(crop.labels)
        counts[(crop.dataset, crop.location), label] += 1
        look(crop, label)
    places = sorted({*named, *(place for place, _ in counts)})
    labels = sorted({label for _, label in counts})
    at_place, at_label = ({x: i for i, x in enumerate(names)} for names in (places, labels))
    crops = np.zeros((len(places), len(labels)), np.int64)
    for (place, label), number in counts.items():
        crops[at_place[place], at_label[label]] = number
    sides = [tuple(ALL.index(side) for side in named.get(place, ())) for place in places]
    return Counted(places, sides, labels, crops)
