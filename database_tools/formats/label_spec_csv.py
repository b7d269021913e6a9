"""``label_spec.csv``: a label specification as a table, easier to write by hand than its JSON.

    output_label,type,content
    cervid,family,cervidae                       # all of a taxon
    cervid,row,idfg|elk                          # a label of a dataset
    bird,datasettaxon,idfg|class|aves            # a taxon, of one dataset only
    !bird,genus,meleagris                        # taken away again
    cervid,max_count,50000
    cervid,prioritize,"[['idfg_swwlf_2019'], ['idfg']]"

``#`` begins a comment anywhere outside quotes, blank lines are skipped, nothing is trimmed or
changed in case.  A label is in the specification from its first row on; a later ``max_count`` or
``prioritize`` replaces an earlier one.

Source: README, "Label specification syntax", CSV.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from database_tools.core.errors import FormatError
from database_tools.core.label_spec import LabelRule, LabelSpec, Selection, TaxonRule
from database_tools.durable import files

COLUMNS = ["output_label", "type", "content"]

_BEFORE_COMMENT = re.compile(r'(?:[^"#]|"[^"]*")*')

_Some = TypeVar("_Some", bound=Selection)


def read(path: Path) -> LabelSpec:
    """Read the table; raise FormatError with the line and the rule that it breaks."""
    spec: dict[str, LabelRule] = {}
    for line, row in _rows(path):
        label, kind, content = row
        name = label.removeprefix("!")
        take = _including if name == label else _excluding
        with FormatError.at(path, f"line {line}"):
            spec[name] = take(spec.get(name, LabelRule()), kind, content)
    if not spec:
        raise FormatError(path, "", "no row says what a label is made of")
    return spec


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, three values) of each row below the header."""
    text = files.read_text(path)
    header_seen = False
    for line, whole in enumerate(text.splitlines(), start=1):
        match = _BEFORE_COMMENT.match(whole)
        row = next(csv.reader([match[0] if match else ""]), [])
        if not row:
            continue
        if not header_seen and row != COLUMNS:
            raise FormatError(path, f"line {line}", f"expected {','.join(COLUMNS)}, got {whole!r}")
        if header_seen:
            if len(row) != len(COLUMNS):
                rule = f"{len(row)} values for {len(COLUMNS)} columns: {whole!r}"
                raise FormatError(path, f"line {line}", rule)
            yield line, row
        header_seen = True


def _including(rule: LabelRule, kind: str, content: str) -> LabelRule:
    if kind == "max_count":
        return replace(rule, max_count=_count(content))
    if kind == "prioritize":
        return replace(rule, prioritize=_levels(content))
    return _with(rule, kind, content)


def _excluding(rule: LabelRule, kind: str, content: str) -> LabelRule:
    if kind in ("max_count", "prioritize"):
        raise ValueError(f"{kind} belongs to a label, not to what it excludes: leave out the !")
    return replace(rule, exclude=_with(rule.exclude or Selection(), kind, content))


def _with(selection: _Some, kind: str, content: str) -> _Some:
    """Add a row's taxon or dataset label to a selection."""
    if not content:
        raise ValueError("the content is empty")
    if not kind:
        raise ValueError("the type is empty")
    if kind == "row":
        dataset, label = _parts(kind, content, "dataset|label")
        labels = selection.dataset_labels
        return replace(
            selection, dataset_labels={**labels, dataset: (*labels.get(dataset, ()), label)}
        )
    if kind == "datasettaxon":
        dataset, level, name = _parts(kind, content, "dataset|level|name")
        taxon = TaxonRule(level, name, (dataset,))
    else:
        taxon = TaxonRule(kind, content)
    return replace(selection, taxa=(*selection.taxa, taxon))


def _parts(kind: str, content: str, form: str) -> list[str]:
    parts = content.split("|")
    if len(parts) != form.count("|") + 1 or not all(parts):
        raise ValueError(f"content of type {kind} must be {form}, got {content!r}")
    return parts


def _count(content: str) -> int:
    try:
        number = float(content)
    except ValueError:
        number = 0
    if not (number >= 1 and number.is_integer()):
        raise ValueError(f"max_count must be a whole number from 1, got {content!r}")
    return int(number)


def _levels(content: str) -> tuple[tuple[str, ...], ...]:
    try:
        levels = ast.literal_eval(content)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        levels = None
    is_right = isinstance(levels, list) and all(
        isinstance(level, list) and all(isinstance(name, str) for name in level) for level in levels
    )
    if not is_right:
        raise ValueError(f"prioritize must be a list of lists of datasets, got {content!r}")
    return tuple(map(tuple, levels))
