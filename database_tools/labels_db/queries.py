"""Asks the label database for the pictures of a label specification: the README's step 2.

    label_spec.json + taxonomy.csv -> dataset labels of each label -> pictures -> those that are
    good and wanted -> queried_images.json

The pictures are gone through twice, in the order of their names: first they are counted, by what
a choice among them needs to know, then the chosen ones are written.  So memory holds some hundred
bytes of each, and no picture.

Beside ``queried_images.json``, as the original: ``included_dataset_labels.txt``, the two
``image_counts_by_label_*.json`` and ``json_validator_log_<time>.json``; and ``label_taxa.json`` and
a ledger.

Source: json_validator.py of the original.
"""

from __future__ import annotations

import heapq
import logging
import pprint
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from database_tools.core import label_query, label_sampling, reasons, splits
from database_tools.core.errors import FormatError, UserError
from database_tools.core.label_query import LabelSpecError, Resolved
from database_tools.core.label_spec import LabelSpec
from database_tools.core.ledger import Drops, Ledger
from database_tools.core.names import is_picture
from database_tools.core.taxon_tree import DatasetLabel, TaxonTree
from database_tools.durable import files
from database_tools.formats import (
    label_spec,
    label_taxa,
    ledger_json,
    mislabeled_csv,
    queried_images,
    taxonomy_csv,
)
from database_tools.formats.queried_images import DrawnBox, QueriedImage
from database_tools.labels_db import asked
from database_tools.labels_db.database import LabelDatabase, LabeledImage
from database_tools.labels_db.presence import Presence
from database_tools.labels_db.query_config import DROP, KEEP, SINGLE, QueryConfig

log = logging.getLogger(__name__)

STAGE = "json_validator"


Wanted = dict[str, dict[str, tuple[str, ...]]]
"""Dataset to its classes to their labels in the order of the specification."""


def run(config: QueryConfig) -> None:
    """Resolve the specification, ask for its pictures and write what the module says.

    Raises:
        UserError: if a file is missing or breaks its format, the specification cannot be met or
            its labels share dataset labels, no database is named, or no picture is left.
    """
    spec, tree, resolved = read(config)
    shared = label_query.overlaps(resolved)
    for overlap in shared:
        log.warning("%s", overlap)
    if shared and not config.allow_multilabel:
        rule = f"{shared[0]}. Allow it with --allow-multilabel"
        raise FormatError(config.label_spec_json, "", rule)
    included = _Printer().pformat({label: set(found) for label, found in resolved.items()})
    folder = config.output_dir
    if folder is None:
        print(included)
        return
    named = {name for found in resolved.values() for name in found}
    with asked.opened(config.db, lambda dataset: _classes_of(dataset, named)) as labels:
        files.write_text(folder / "included_dataset_labels.txt", included + "\n")
        label_taxa.write(folder, label_query.taxonomy(spec, tree))
        _Query(config, spec, labels, wanted(resolved, labels)).write(folder)


class _Printer(pprint.PrettyPrinter):
    """As ``pprint``, but sets are sorted on one line too: their order is that of hashes."""

    # the parameters' names are those of the base
    def format(
        self,
        object: object,
        context: dict[int, int],
        maxlevels: int,
        level: int,
    ) -> tuple[str, bool, bool]:
        if isinstance(object, set) and object:
            return f"{{{', '.join(map(repr, sorted(object)))}}}", True, False
        return super().format(object, context, maxlevels, level)


def read(config: QueryConfig) -> tuple[LabelSpec, TaxonTree, Resolved]:
    """Read and resolve the specification; raise UserError as ``run``."""
    path = config.label_spec_json
    spec = label_spec.read(path)
    for label, rule in spec.items():
        if rule.prioritize and rule.max_count is None:
            raise FormatError(path, f'"{label}"', "prioritize needs max_count")
    tree = read_taxonomy(config)
    try:
        return spec, tree, label_query.resolve(spec, tree)
    except LabelSpecError as error:
        raise FormatError(path, error.place, error.rule) from None


def read_taxonomy(config: QueryConfig) -> TaxonTree:
    """Read the taxonomy of a configuration."""
    return taxonomy_csv.read(
        config.taxonomy_csv, config.taxonomy_parents, single_parent=config.single_parent_taxonomy
    )


def wanted(resolved: Resolved, labels: LabelDatabase) -> Wanted:
    """Find out which classes of the database make up which label.

    The taxonomy is in lower case, so a name of the database may be met as it is or in lower case.
    """
    of_name: defaultdict[DatasetLabel, list[str]] = defaultdict(list)
    for label, found in resolved.items():
        for name in found:
            of_name[name].append(label)
    table: Wanted = {}
    for dataset in labels.datasets():
        # A correction may be to a class that the dataset has not had so far.
        others = _classes_of(dataset, of_name)
        for class_ in sorted(others.union(labels.classes(dataset))):
            spellings = {(dataset, class_), (dataset.lower(), class_.lower())}
            if its := {label for spelling in spellings for label in of_name.get(spelling, ())}:
                in_order = tuple(label for label in resolved if label in its)
                table.setdefault(dataset, {})[class_] = in_order
    # A name is <dataset>/<file>: "a-b/x" comes before "a/x".
    return {dataset: table[dataset] for dataset in sorted(table, key="{}/".format)}


def _classes_of(dataset: str, named: Iterable[DatasetLabel]) -> set[str]:
    return {name for owner, name in named if owner in (dataset, dataset.lower())}


@dataclass
class _Counted:
    """What the first round found, of each picture that is good; some of it by label tuples."""

    kinds: dict[tuple[str, ...], int] = field(default_factory=dict)
    of_kind: array[int] = field(default_factory=lambda: array("l"))
    datasets: dict[str, int] = field(default_factory=dict)
    of_dataset: array[int] = field(default_factory=lambda: array("l"))
    places: defaultdict[int, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))

    def add(self, image: QueriedImage) -> None:
        kind = self.kinds.setdefault(image.labels, len(self.kinds))
        self.of_kind.append(kind)
        self.of_dataset.append(self.datasets.setdefault(image.dataset, len(self.datasets)))
        place = "" if image.location is None else splits.text(image.location)
        self.places[kind].add((image.dataset, place))

    def few(self, least: int) -> set[int]:
        """Return the label tuples of fewer locations."""
        return {kind for kind, places in self.places.items() if len(places) < least}

    def candidates(self, without: set[int]) -> dict[str, list[tuple[str, int]]]:
        """Return (dataset, number) of each label's pictures, by number."""
        datasets = list(self.datasets)
        of_kind: list[list[tuple[str, int]]] = [[] for _ in self.kinds]
        pairs = zip(self.of_kind, self.of_dataset, strict=True)
        for number, (kind, dataset) in enumerate(pairs):
            of_kind[kind].append((datasets[dataset], number))
        found: dict[str, list[tuple[str, int]]] = {}
        for labels, kind in self.kinds.items():
            for label in labels if kind not in without else ():
                known = found.get(label)
                found[label] = (
                    of_kind[kind]
                    if known is None
                    else list(heapq.merge(known, of_kind[kind], key=itemgetter(1)))
                )
        return found


class _Query:
    """One query: its pictures, in two rounds."""

    def __init__(
        self, config: QueryConfig, spec: LabelSpec, labels: LabelDatabase, table: Wanted
    ) -> None:
        self._config, self._spec, self._labels, self._wanted = config, spec, labels, table
        self._presence: Presence | None = None
        if config.check_blob_exists is not None:
            folder = config.check_blob_exists
            self._presence = Presence(folder if isinstance(folder, Path) else None, config.db)
        self._drops = Drops()
        self._total = self._kept = 0

    def write(self, folder: Path) -> None:
        counted = _Counted()
        for image in self._good(self._drops):
            counted.add(image)
        few = counted.few(self._config.min_locs or 0)
        candidates = counted.candidates(few)
        before = {label: len(candidates.get(label, ())) for label in sorted(self._spec)}
        files.write_json(folder / "image_counts_by_label_presample.json", before)
        chosen = label_sampling.sample(candidates, self._spec, self._config.seed)
        after: Counter[str] = Counter(dict.fromkeys(sorted(self._spec), 0))
        images = self._chosen(counted, few, chosen, after)
        queried_images.write(folder / queried_images.NAME, images, self._config.json_indent)
        files.write_json(folder / "image_counts_by_label_sampled.json", after)
        ledger = self._drops.close(STAGE, self._total, self._kept)
        path = ledger_json.write(folder, ledger)
        self._write_log(folder, ledger, [x for x, i in counted.kinds.items() if i in few])
        self._report(ledger, path, after)

    def _chosen(
        self, counted: _Counted, few: set[int], chosen: set[int], after: Counter[str]
    ) -> Iterator[QueriedImage]:
        for number, image in enumerate(self._good(Drops())):
            if counted.of_kind[number] in few:
                self._drops.add(reasons.FEW_LOCATIONS, image.name)
            elif number not in chosen:
                self._drops.add(reasons.NOT_SAMPLED, image.name)
            else:
                self._kept += 1
                after.update(image.labels)
                yield image

    def _good(self, drops: Drops) -> Iterator[QueriedImage]:
        """Yield what is left but for too few locations and too many pictures, sorted by name."""
        self._total = 0
        for dataset, classes in self._wanted.items():
            known = self._known_mislabeled(dataset)
            single = self._config.sequence_labels == SINGLE
            sizes = self._labels.sequence_sizes(dataset) if single else {}
            absent = self._absent(dataset, classes)
            for row in self._rows(dataset, classes):
                self._total += 1
                found = self._judge(dataset, row, known.get(row.file), sizes, absent)
                if isinstance(found, str):
                    drops.add(found, f"{dataset}/{row.file}")
                else:
                    yield found

    def _rows(self, dataset: str, classes: Collection[str]) -> Iterator[LabeledImage]:
        return heapq.merge(
            self._labels.images(dataset, classes),
            self._labels.images_of_several(dataset, classes),
            key=lambda row: row.file,
        )

    def _absent(self, dataset: str, classes: Collection[str]) -> Mapping[str, str]:
        """Return why pictures are not there, by file."""
        if self._presence is None:
            return {}
        files = (row.file for row in self._rows(dataset, classes) if is_picture(row.file))
        return self._presence.absent(dataset, files)

    def _known_mislabeled(self, dataset: str) -> mislabeled_csv.Corrections:
        folder = self._config.mislabeled_images
        return {} if folder is None else mislabeled_csv.read(folder, dataset)

    def _judge(
        self,
        dataset: str,
        row: LabeledImage,
        correct: str | None,
        sizes: dict[str, int],
        absent: Mapping[str, str],
    ) -> QueriedImage | str:
        """Return a picture as it is queried, or why it is not."""
        classes = row.labels if correct is None else (correct,)
        of_class = self._wanted[dataset]
        if correct is not None and correct not in of_class:
            return reasons.MISLABELED
        if len(classes) > 1 and self._config.multiple_labels == DROP:
            return reasons.SEVERAL_CATEGORIES
        if not all(name in of_class for name in classes):
            return reasons.SEVERAL_CLASSES
        if row.of_sequence and correct is None and not self._is_sure(row, sizes):
            return reasons.OF_THE_SEQUENCE
        if not is_picture(row.file):
            return reasons.NO_IMAGE_NAME
        if row.file in absent:
            return absent[row.file]
        its = {label for name in classes for label in of_class[name]}
        labels = tuple(label for label in self._spec if label in its)
        boxes = None
        if row.boxes is not None:
            boxes = tuple(DrawnBox(kind, (x, y, w, h)) for kind, x, y, w, h in row.boxes)
        return QueriedImage(dataset, row.file, row.location, ",".join(classes), labels, boxes)

    def _is_sure(self, row: LabeledImage, sizes: dict[str, int]) -> bool:
        """Say whether a class of the whole sequence counts for a picture of it."""
        if self._config.sequence_labels == SINGLE:
            return row.sequence is not None and sizes[row.sequence] == 1
        return self._config.sequence_labels == KEEP

    def _write_log(self, folder: Path, ledger: Ledger, few: list[tuple[str, ...]]) -> None:
        table: dict[str, object] = {
            "nonimage_files": list(ledger.dropped.get(reasons.NO_IMAGE_NAME, ()))
        }
        if self._presence is not None:
            table["nonexistent_images"] = list(ledger.dropped.get(reasons.MISSING, ()))
        if self._config.min_locs is not None:
            table[f"labels with < {self._config.min_locs} locs"] = few
        stamp = time.strftime("%Y%m%d_%H%M%S")
        files.write_json(folder / f"{STAGE}_log_{stamp}.json", table)

    def _report(self, ledger: Ledger, path: Path, after: Counter[str]) -> None:
        if not self._kept:
            why = ledger.summary() or "the database has none of its dataset labels"
            raise UserError(f"{self._config.label_spec_json}: no picture is left; {why}")
        log.info("%s pictures of %d labels", f"{self._kept:,}", sum(map(bool, after.values())))
        if summary := ledger.summary():
            log.info("%s. See %s", summary, path)
        if none := [label for label, number in after.items() if not number]:
            log.warning("WARNING: no picture of %s", ", ".join(none))
