"""``dataset_info.json``: what a crop dataset holds, so that nobody edits constants by hand.

    {"classes": ["empty", "red fox"],
     "counts": {"train": {"empty": 0, "red fox": 112}, "test": {"empty": 0, "red fox": 24}},
     "num_classes": 2,
     "parameters": {"padding_factor": 1.69, ...},
     "crop_recipe": {"geometry": "padded window", "padding": 1.69, ...},
     "taxonomy": {"red fox": [{"level": "species", "name": "vulpes vulpes", "lineage": [...]}]}}

Class ids are positions in ``classes``; a class without any crop keeps its id.  The recipe says how
the crops were made (``core.crop_recipe``).  Files of earlier versions have no ``crop_recipe``, but
all were made in one way: their ``padding_factor`` tells it.  ``taxonomy``, the taxa of
the classes, is there where somebody said them (``core.taxa``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from database_tools.core import taxa
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError
from database_tools.core.taxa import Taxonomy
from database_tools.durable import files

NAME = "dataset_info.json"


@dataclass(frozen=True)
class DatasetInfo:
    """Counts and parameters of a dataset made by ``make_classification_dataset.py``.

    Attributes:
        classes: names in the order of their ids.
        counts: split ("train", "test") to the number of crops of each class, in order of ids.
        parameters: what the dataset was made with; values as JSON has them.
        recipe: of the crops; None if the file does not say.
        taxonomy: class to its taxa; None if the file does not say.
    """

    classes: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    parameters: Mapping[str, object] = field(default_factory=dict)
    recipe: CropRecipe | None = None
    taxonomy: Taxonomy | None = None

    @property
    def num_classes(self) -> int:
        """All classes, those without crops included."""
        return len(self.classes)

    def size(self, split: str) -> int:
        """Number of crops in a split."""
        return sum(self.counts[split])


def write(folder: Path, info: DatasetInfo) -> None:
    """Write ``dataset_info.json`` into ``folder``."""
    counts = {
        split: dict(zip(info.classes, numbers, strict=True))
        for split, numbers in info.counts.items()
    }
    table: dict[str, object] = {
        "classes": list(info.classes),
        "num_classes": info.num_classes,
        "counts": counts,
        "parameters": dict(info.parameters),
    }
    if info.recipe is not None:
        table["crop_recipe"] = info.recipe.as_json()
    if info.taxonomy is not None:
        table["taxonomy"] = taxa.as_json(info.taxonomy)
    files.write_json(folder / NAME, table)


def read(folder: Path) -> DatasetInfo:
    """Read ``dataset_info.json`` of ``folder``; raise FormatError if it is not one."""
    path = folder / NAME
    table = files.read_json(path)
    try:
        classes = tuple(str(name) for name in table["classes"])
        counts = {
            split: tuple(int(numbers[name]) for name in classes)
            for split, numbers in table["counts"].items()
        }
        known = taxa.from_json(table["taxonomy"]) if "taxonomy" in table else None
        return DatasetInfo(classes, counts, table["parameters"], _recipe(table), known)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FormatError(path, "", f"not a dataset_info.json: {error!r}") from None


def _recipe(table: Mapping[str, Any]) -> CropRecipe | None:
    if "crop_recipe" in table:
        return CropRecipe.from_json(table["crop_recipe"])
    padding = table["parameters"].get("padding_factor")
    return None if padding is None else CropRecipe.of_2019(float(padding))
