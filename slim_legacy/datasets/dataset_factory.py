"""Names of datasets to their descriptors.

A new dataset ``newdataset.py`` in this folder is found by its name, and so is one in a folder of
your own that the environment variable ``SLIM_DATASETS`` names. To list it here as well, import it
as the others are and add ``"newdataset": newdataset`` to ``datasets_map``; the name in the map may
then be another one than the file's.
"""

from __future__ import annotations

import os
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from database_tools.core.errors import UserError
from slim_legacy.datasets import (
    auto,
    cct,
    cifar10,
    flowers,
    idfg,
    imagenet,
    mnist,
    nacti,
    obscured,
    obscured_large,
    rspb,
    serengeti,
    wellington,
    wiitigers,
)
from slim_legacy.datasets.descriptor import Dataset

OWN_FOLDER = "SLIM_DATASETS"
"""Environment variable: a folder of descriptors, as an installed package is no place for them."""

datasets_map = {
    "cifar10": cifar10,
    "flowers": flowers,
    "imagenet": imagenet,
    "mnist": mnist,
    "cct": cct,
    "wellington": wellington,
    "serengeti": serengeti,
    "nacti": nacti,
    "idfg": idfg,
    "rspb": rspb,
    "wiitigers": wiitigers,
    "obscured": obscured,
    "obscured_large": obscured_large,
    "auto": auto,
}


def get_dataset(
    name: str, split_name: str, dataset_dir: str | Path, file_pattern: str | None = None
) -> Dataset:
    """Return a split of the dataset that is listed above, or whose module is in this folder.

    Raises:
        UserError: if there is no such dataset, split or records.
    """
    dataset: Dataset = _descriptor(name).get_split(split_name, dataset_dir, file_pattern)
    return dataset


def num_classes(name: str, dataset_dir: str | Path) -> int:
    """Return the number of classes without looking at records."""
    module = _descriptor(name)
    return auto.num_classes(dataset_dir) if module is auto else int(module._NUM_CLASSES)


def _descriptor(name: str) -> ModuleType:
    module = datasets_map.get(name) or _module(name)
    if module is None:
        known = ", ".join(datasets_map)
        raise UserError(
            f"Name of dataset unknown {name}: no slim_legacy/datasets/{name}.py, and none in "
            f"{os.environ.get(OWN_FOLDER) or f'a folder named by {OWN_FOLDER}'}; known are {known}"
        )
    return module


def _module(name: str) -> ModuleType | None:
    """Import ``name`` from the user's folder, else from this one, if it is a descriptor there."""
    if not name.isidentifier() or name == "descriptor":
        return None
    ours = Path(__file__).parent
    for folder in (Path(os.environ.get(OWN_FOLDER) or ours), ours):
        file = folder / f"{name}.py"
        if file.is_file():
            loader = SourceFileLoader(f"slim_legacy.datasets.{name}", str(file))
            module = ModuleType(loader.name)
            loader.exec_module(module)
            if hasattr(module, "get_split"):
                return module
    return None
