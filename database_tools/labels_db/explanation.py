"""Explains a label specification: what each label is made of, and what is doubtful about it.

    label   images  locations  taxa            dataset labels
    canid    1,204         31  family canidae  caltech/coyote, idfg/fox, idfg/wolf

Errors are labels that share dataset labels, and taxa that the taxonomy does not have.  Warnings
are names that are nearly known ones, taxa that may be one under two names, and taxa of two parents.
"""

from __future__ import annotations

import contextlib
import difflib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from database_tools.core import label_query, taxa, taxon_doubles
from database_tools.core.errors import UserError, few
from database_tools.core.label_query import LabelSpecError, Overlap
from database_tools.core.label_spec import LabelSpec, Selection
from database_tools.core.taxon_tree import DatasetLabel, Taxon, TaxonTree
from database_tools.durable import files
from database_tools.formats import label_spec
from database_tools.labels_db import asked, queries
from database_tools.labels_db.database import LabelDatabase
from database_tools.labels_db.query_config import QueryConfig, database

log = logging.getLogger(__name__)


@dataclass
class Explained:
    """What a label is made of.

    Attributes:
        images: of exactly one class, which is one of these; None without a database.
    """

    dataset_labels: Sequence[DatasetLabel] = ()
    taxa: Sequence[taxa.Taxon] = ()
    images: int | None = None
    locations: int | None = None


@dataclass
class Explanation:
    """What there is to say about a specification."""

    labels: dict[str, Explained]
    overlaps: list[Overlap]
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def table(self) -> Iterator[str]:
        """Yield lines for people to read."""
        rows = [["label", "images", "locations", "taxa", "dataset labels"]]
        for label, found in self.labels.items():
            numbers = ("-" if n is None else f"{n:,}" for n in (found.images, found.locations))
            names = [f"{taxon.level} {taxon.name}" for taxon in found.taxa]
            ours = ["/".join(pair) for pair in found.dataset_labels]
            rows.append([label, *numbers, few(names), few(ours)])
        a, b, c, d, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
        for label, images, places, stands_for, made_of in rows:
            yield f"{label:<{a}}  {images:>{b}}  {places:>{c}}  {stands_for:<{d}}  {made_of}"
        for kind, lines in (("error", self.errors), ("warning", self.warnings)):
            yield from (f"{kind}: {line}" for line in lines)

    def as_json(self) -> dict[str, object]:
        """Return the same for programs, with nothing left out."""
        return {
            "labels": {
                label: {
                    "taxa": [taxon.as_json() for taxon in found.taxa],
                    "dataset_labels": [list(name) for name in found.dataset_labels],
                    "images": found.images,
                    "locations": found.locations,
                }
                for label, found in self.labels.items()
            },
            "overlaps": [
                {"labels": [one.first, one.second], "dataset_labels": sorted(map(list, one.shared))}
                for one in self.overlaps
            ],
            "errors": self.errors,
            "warnings": self.warnings,
        }


def run(config: QueryConfig) -> None:
    """Print the table of a specification, and write it as JSON if ``explain`` is a path.

    Raises:
        UserError: if there are errors, or with ``strict`` warnings, after all was printed and
            written.
    """
    spec, tree = label_spec.read(config.label_spec_json), queries.read_taxonomy(config)
    with contextlib.ExitStack() as stack:
        try:
            database(config.db)
        except UserError:
            log.info("without a label database, images and locations are not counted")
            labels = None
        else:
            names = set(_datasets(spec, tree))
            labels = stack.enter_context(
                asked.opened(config.db, lambda name: None if {name, name.lower()} & names else ())
            )
        found = explain(spec, tree, labels, allow_overlaps=config.allow_multilabel)
    for line in found.table():
        print(line)
    if isinstance(config.explain, Path):
        files.write_json(config.explain, found.as_json())
    wrong = found.errors + (found.warnings if config.strict else [])
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise UserError(f"{config.label_spec_json}: {wrong[0]}{more}")


def _datasets(spec: LabelSpec, tree: TaxonTree) -> Iterator[str]:
    """Yield the datasets that a specification speaks of."""
    for rule in spec.values():
        with contextlib.suppress(LabelSpecError):  # an error of the specification, told later
            yield from (dataset for dataset, _ in label_query.select(rule, tree, ""))
        selection: Selection | None = rule
        while selection is not None:
            yield from selection.dataset_labels
            selection = selection.exclude


def explain(
    spec: LabelSpec, tree: TaxonTree, labels: LabelDatabase | None, *, allow_overlaps: bool
) -> Explanation:
    """Look at a specification; ``labels`` may be None, then nothing is counted."""
    resolved, errors = {}, []
    for label, rule in spec.items():
        try:
            resolved[label] = label_query.select(rule, tree, f'"{label}"')
        except LabelSpecError as error:
            errors.append(str(error))
    good = {label: spec[label] for label in resolved}
    stands_for = label_query.taxonomy(good, tree)
    found = Explanation(
        {label: Explained(sorted(names), stands_for[label]) for label, names in resolved.items()},
        label_query.overlaps(resolved),
        errors,
    )
    shared = found.warnings if allow_overlaps else found.errors
    shared += map(str, found.overlaps)
    if labels is not None:
        _count(found, queries.wanted(resolved, labels), labels)
    known = _known(tree, labels)
    for label, rule in spec.items():
        found.warnings += _unknown(f'"{label}"', rule, known)
    found.warnings += _doubtful(tree, {name for names in resolved.values() for name in names})
    return found


def _count(found: Explanation, wanted: queries.Wanted, labels: LabelDatabase) -> None:
    for label, its in found.labels.items():
        covered = [
            labels.coverage(dataset, classes)
            for dataset, of_class in wanted.items()
            if (classes := [name for name, made in of_class.items() if label in made])
        ]
        its.images = sum(images for images, _ in covered)
        its.locations = sum(locations for _, locations in covered)


def _known(tree: TaxonTree, labels: LabelDatabase | None) -> dict[str, set[str]]:
    """Return the labels of each dataset, of the taxonomy and of the database."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    for dataset, label in tree.labels:
        known[dataset].add(label)
    if labels is not None:
        for dataset in labels.datasets():
            known[dataset].update(labels.classes(dataset))
    return known


def _unknown(place: str, rule: Selection, known: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield what is said of dataset labels that nobody knows."""
    for dataset, names in rule.dataset_labels.items():
        classes = known.get(dataset, set()) | known.get(dataset.lower(), set())
        if not classes:
            yield f"{place}: nobody knows the dataset {dataset}{_nearest(dataset, known)}"
        for name in names if classes else ():
            if not {name, name.lower()} & classes:
                yield f"{place}: nobody knows {dataset}/{name}{_nearest(name, classes)}"
    if rule.exclude is not None:
        yield from _unknown(f"{place}.exclude", rule.exclude, known)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), sorted(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def _doubtful(tree: TaxonTree, used: set[DatasetLabel]) -> Iterator[str]:
    """Yield what is doubtful about the taxa that labels are made of, and those above them."""
    touched: set[Taxon] = set()
    for name in used & tree.labels.keys():
        touched.update(tree.lineage(tree.labels[name]))
    for double in taxon_doubles.find(tree):
        if {double.first, double.second} & touched:
            yield str(double)
    for taxon, parents in sorted(tree.disputed.items()):
        if taxon in touched and (chosen := tree.parent(taxon)) is not None:
            names = ", ".join(" ".join(parent) for parent in parents)
            yield f"{' '.join(taxon)} has the parents {names}; {' '.join(chosen)} is taken"
