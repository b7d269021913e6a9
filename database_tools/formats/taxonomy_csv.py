"""The taxonomy CSV: what the labels of each dataset are, in two forms.

The master form of 2021, of which these columns are read, whatever others there are:

    dataset_name,query,taxonomy_level,scientific_name,taxonomy_string
    caltech,bobcat,species,lynx rufus,"[(41976, 'species', 'lynx rufus', ['bobcat']), (41975,
    'genus', 'lynx', []), ...]"

``taxonomy_string`` is a Python literal: (id, level, name, common names) from the lowest taxon to
the highest; the first is what the columns say.  A row without it is a label that is no taxon
(``empty``, ``car``), and is skipped.  LILA's release form has the same columns and one for each
level besides; where only these are there, they are read.

Everything is read in lower case.  ``--taxonomy_parents`` is a table of its own:

    child,parent
    family bovidae,order artiodactyla

Source: https://lila.science/taxonomy-mapping-for-camera-trap-data-sets
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.core.taxon_tree import Taxon, TaxonomyRow, TaxonTree, TaxonTreeError
from database_tools.formats import csv_table

LEVELS = (
    *("kingdom", "phylum", "subphylum", "superclass", "class", "subclass", "infraclass"),
    *("superorder", "order", "suborder", "infraorder", "superfamily", "family", "subfamily"),
    *("tribe", "genus", "subgenus", "species", "subspecies", "variety"),
)
"""Columns of LILA's release form, from the highest."""

_NEEDED = ("dataset_name", "query", "taxonomy_level", "scientific_name")
_STRING = "taxonomy_string"

_TEXT = r"""(?:'[^'\\]*'|"[^"\\]*")"""
_TUPLE = re.compile(
    rf"\(\d+, '([^'\\]*)', ({_TEXT}), \[(?:{_TEXT}(?:, {_TEXT})*)?\]\)(, (?=\()|\]\Z)"
)


def read(path: Path, parents: Path | None = None, *, single_parent: bool = False) -> TaxonTree:
    """Read the table and make its tree, by a table of decided parents; see ``TaxonTree.of``.

    Raises:
        FormatError: with the line of a row that breaks a rule, or whose taxon has parents of
            which none can be chosen.
    """
    decided = {} if parents is None else _read_parents(parents)
    try:
        return TaxonTree.of(list(rows(path)), decided, single_parent=single_parent)
    except TaxonTreeError as error:
        raise FormatError(path, f"line {error.line}" if error.line else "", error.rule) from None


def rows(path: Path) -> Iterator[TaxonomyRow]:
    """Yield the rows that are taxa, in the order of the file."""
    for line, row in csv_table.rows(path, _NEEDED):
        with FormatError.at(path, f"line {line}"):
            lineage = _lineage(row)
        if lineage:
            yield TaxonomyRow(row["dataset_name"].lower(), row["query"].lower(), lineage, line)


def _lineage(row: Mapping[str, str]) -> tuple[Taxon, ...]:
    if _STRING in row:
        found = parse_lineage(row[_STRING]) if row[_STRING].strip() else ()
    else:
        by_level = ((level, (row.get(level) or "").strip().lower()) for level in reversed(LEVELS))
        found = tuple((level, name) for level, name in by_level if name)
    said = row["taxonomy_level"].strip().lower(), row["scientific_name"].strip().lower()
    if found and said != found[0]:
        string = " ".join(found[0])
        raise ValueError(f"the columns say {' '.join(said)}, {_STRING} says {string}")
    return found


@cache  # a species of fifty datasets has fifty rows
def parse_lineage(text: str) -> tuple[Taxon, ...]:
    """Read a ``taxonomy_string``; raise ValueError, in words, if it is none."""
    # A tenth of the time of ``literal_eval``, which reads what is written otherwise.
    matches = list(_TUPLE.finditer(text, 1))
    if text[:1] == "[" and matches and matches[-1].end() == len(text) == _length(matches) + 1:
        return tuple((m[1].lower(), m[2][1:-1].lower()) for m in matches)
    try:
        entries = ast.literal_eval(text)
        return tuple((str(level).lower(), str(name).lower()) for _, level, name, _ in entries)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise ValueError(
            f"{_STRING} must be a list of (id, level, name, common names), got {text[:80]!r}"
        ) from None


def _length(matches: list[re.Match[str]]) -> int:
    return sum(match.end() - match.start() for match in matches)


def _read_parents(path: Path) -> dict[Taxon, Taxon]:
    def pair(row: csv_table.Row) -> tuple[Taxon, Taxon]:
        return _taxon(row["child"]), _taxon(row["parent"])

    return dict(csv_table.made(path, ("child", "parent"), pair))


def _taxon(text: str) -> Taxon:
    level, _, name = text.strip().lower().partition(" ")
    if not name:
        raise ValueError(f"expected LEVEL NAME, got {text!r}")
    return level, name
