"""Label specifications: which taxa and dataset labels each label of a classifier is made of.

    LabelRule(taxa=(TaxonRule("family", "cervidae"),),
              dataset_labels={"idfg": ("elk",)},
              exclude=Selection(taxa=(TaxonRule("genus", "rangifer"),)),
              max_count=50_000, prioritize=(("idfg_swwlf_2019",), ("idfg",)))

A selection is the union of its taxa and dataset labels, less what it excludes.

Source: README, "Label specification syntax".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TaxonRule:
    """All of a taxon, e.g. level ``family``, name ``cervidae``, in these datasets; None for all."""

    level: str
    name: str
    datasets: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Selection:
    """Taxa and dataset labels, as written, without what is taken away again."""

    taxa: tuple[TaxonRule, ...] = ()
    dataset_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: Selection | None = None


@dataclass(frozen=True)
class LabelRule(Selection):
    """What a label is made of, and how many pictures of it are wanted, if not all.

    ``prioritize`` has levels of datasets, of which the first is sampled first.
    """

    max_count: int | None = None
    prioritize: tuple[tuple[str, ...], ...] = ()


LabelSpec = Mapping[str, LabelRule]
"""Label to rule, in the order of the file."""
