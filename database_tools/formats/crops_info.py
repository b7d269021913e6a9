"""``crops_info.json``: how the crops below a folder were made; it lies beside them.

    {"recipe": {"geometry": "square", "padding": 1.0, "file": "jpeg", "quality": 75},
     "detector": "md_v4.1.0.pb", "version": "4.1", "threshold": 0.2}

The recipe decides what a classifier sees, so whoever continues the folder or learns from it
compares it.  What stands beside it says where the boxes are from; null for boxes drawn by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError
from database_tools.durable import files

NAME = "crops_info.json"


@dataclass(frozen=True)
class CropsInfo:
    """See the module; the version is the one in the crops' names, the threshold in [0, 1]."""

    recipe: CropRecipe
    detector: str | None = None
    version: str | None = None
    threshold: float | None = None


def write(folder: Path, info: CropsInfo) -> None:
    """Write ``crops_info.json`` into ``folder``."""
    files.write_json(folder / NAME, vars(info) | {"recipe": info.recipe.as_json()})


def read(folder: Path) -> CropsInfo | None:
    """Read ``crops_info.json`` of ``folder``; None if there is none, as older tools left none."""
    path = folder / NAME
    if not path.exists():
        return None
    table = files.read_json(path)
    if not isinstance(table, dict):
        raise FormatError(path, "top level", f"expected an object, got {table!r}")
    with FormatError.at(path, "recipe"):
        recipe = CropRecipe.from_json(table.get("recipe"))
    threshold = table.get("threshold")
    if threshold is not None and not (_is_number(threshold) and 0 <= threshold <= 1):
        raise FormatError(path, "threshold", f"must be null or in [0, 1], got {threshold!r}")
    return CropsInfo(
        recipe, _text(path, table, "detector"), _text(path, table, "version"), threshold
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(path: Path, table: dict[str, Any], name: str) -> str | None:
    value = table.get(name)
    if value is not None and not isinstance(value, str):
        raise FormatError(path, name, f"must be null or text, got {value!r}")
    return value
