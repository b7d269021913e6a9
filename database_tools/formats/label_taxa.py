"""``label_taxa.json``: what the labels of a dataset stand for; it lies beside the dataset.

    {"deer": [{"level": "family", "name": "cervidae",
               "lineage": [{"level": "kingdom", "name": "animalia"}, ...]}],
     "empty": []}

Label to its taxa, as ``core.taxa`` describes them; ``lineage`` may be left out.  A label that is
not listed stands for nobody knows what.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from database_tools.core import taxa
from database_tools.core.errors import FormatError
from database_tools.core.taxa import Taxonomy
from database_tools.durable import files

NAME = "label_taxa.json"


def read(folder: Path, labels: Collection[str] | None = None) -> Taxonomy | None:
    """Read a dataset's taxa, of no other ``labels`` if these are given; None for no file.

    Raises:
        FormatError: if it is not one, or speaks of something that is no label.
    """
    path = folder / NAME
    if not path.exists():
        return None
    with FormatError.at(path, ""):
        found = taxa.from_json(files.read_json(path))
    if labels is not None and (unknown := [label for label in found if label not in labels]):
        raise FormatError(path, repr(unknown[0]), "is no label of the dataset")
    return found


def write(folder: Path, taxonomy: Taxonomy) -> None:
    """Write ``label_taxa.json`` into a dataset's folder."""
    files.write_json(folder / NAME, taxa.as_json(taxonomy))
