"""Proposes a label specification: as many labels as the pictures of a label database allow.

It writes ``label_spec.json``, ``label_tree.txt``, ``.html`` and ``.svg``, which show where the
labels are in the tree of taxa, ``image_counts_by_dataset.csv`` (dataset, num_images) and
``image_counts_by_class.csv`` (dataset, class, count).

Source: megaclassifier_label_spec of the original.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from database_tools.core import label_leaves
from database_tools.core.errors import UserError
from database_tools.core.label_leaves import Leaf
from database_tools.core.taxon_tree import Taxon, TaxonTree
from database_tools.durable import files
from database_tools.formats import csv_table, label_spec
from database_tools.labels_db.database import LabelDatabase
from database_tools.pages import tree as tree_picture
from database_tools.pages.tree import Node

log = logging.getLogger(__name__)

_SHARE = 3  # a label may have so many times its even share of the total


def make(tree: TaxonTree, labels: LabelDatabase, folder: Path, least: int, total: int) -> str:
    """Write what the module says, and return the tree as text.

    Raises:
        UserError: if no taxon has enough pictures.
    """
    own: Counter[Taxon] = Counter()
    by_class, without_taxon = [], 0
    for one in labels.counts():
        by_class.append((one.dataset, one.label, one.images))
        taxon = tree.labels.get((one.dataset.lower(), one.label.lower()))
        if taxon is None:
            without_taxon += one.images
        else:
            own[taxon] += one.images
    counts = label_leaves.totals(tree, own)
    leaves = label_leaves.search(tree, counts, least)
    if not leaves:
        most = max(counts.values(), default=0)
        raise UserError(f"no taxon has {least:,} images: the most are {most:,}")
    log.info("%d labels; %s images have no taxon", len(leaves), f"{without_taxon:,}")
    most = int(total / len(leaves) * _SHARE)
    label_spec.write(folder / "label_spec.json", label_leaves.specification(tree, leaves, most), 1)
    nodes = list(_nodes(tree, counts, leaves, least))
    text = "\n".join(f"{'  ' * node.depth}{node.words}" for node in nodes) + "\n"
    files.write_text(folder / "label_tree.txt", text)
    title = "Labels and their taxa"
    files.write_text(folder / "label_tree.svg", tree_picture.draw(nodes, title))
    files.write_text(folder / "label_tree.html", tree_picture.page(nodes, title))
    path = folder / "image_counts_by_class.csv"
    with csv_table.writing(path, ("dataset", "class", "count")) as writer:
        writer.writerows(by_class)
    sums: Counter[str] = Counter()
    for dataset, _, images in by_class:
        sums[dataset] += images
    path = folder / "image_counts_by_dataset.csv"
    with csv_table.writing(path, ("dataset", "num_images")) as writer:
        writer.writerows(sorted(sums.items()))
    return text


def _nodes(
    tree: TaxonTree, counts: label_leaves.Counts, leaves: list[Leaf], least: int
) -> Iterator[Node]:
    """Yield the taxa that have enough pictures, and the labels among them."""
    of_taxon = {leaf.taxon: leaf for leaf in leaves}
    for taxon in tree.taxa:
        if counts[taxon] < least:
            continue
        depth, words = len(tree.lineage(taxon)) - 1, f"{' '.join(taxon)}  {counts[taxon]:,}"
        leaf = of_taxon.get(taxon)
        if leaf is None or leaf.without:
            yield Node(depth, words)
        if leaf is not None:
            where = depth + 1 if leaf.without else depth
            yield Node(where, f"[{leaf.name}]  {leaf.images:,}", stands_out=True)
