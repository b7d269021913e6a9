"""``label_spec.json``: what each label of a classifier is made of.

    {"cervid": {"dataset_labels": {"idfg": ["deer", "elk"]},
                "taxa": [{"level": "family", "name": "cervidae", "datasets": ["idfg"]}],
                "exclude": {"taxa": [...], "dataset_labels": {...}},
                "max_count": 50000,
                "prioritize": [["idfg_swwlf_2019"], ["idfg"]]}}

Every member may be missing, and so may ``datasets``, which then means all.

Source: README, "Label specification syntax", JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from database_tools.core.errors import FormatError
from database_tools.core.label_spec import LabelRule, LabelSpec, Selection, TaxonRule
from database_tools.durable import files

_SELECTION = ("dataset_labels", "taxa", "exclude")
_RULE = (*_SELECTION, "max_count", "prioritize")
_TAXON = ("level", "name", "datasets")


class _WrongError(Exception):
    """A rule that a place breaks: (place, rule)."""


def read(path: Path) -> LabelSpec:
    """Read a specification; raise FormatError with the label and the rule it breaks."""
    table = files.read_json(path)
    if not isinstance(table, dict) or not table:
        raise FormatError(path, "top level", "expected an object from label to its rule")
    try:
        return {label: _rule(f'"{label}"', entry) for label, entry in table.items()}
    except _WrongError as error:
        raise FormatError(path, *error.args) from None


def _rule(place: str, entry: Any) -> LabelRule:
    table = _members(place, entry, _RULE)
    most = table.get("max_count")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise _WrongError(
            f"{place}.max_count", f"must be a whole number from 1, got {_shown(most)}"
        )
    levels = _list(f"{place}.prioritize", table.get("prioritize", []))
    tiers = (_texts(f"{place}.prioritize[{i}]", level) for i, level in enumerate(levels))
    return LabelRule(**_selection(place, table), max_count=most, prioritize=tuple(tiers))


def _selection(place: str, table: dict[str, Any]) -> dict[str, Any]:
    taxa = _list(f"{place}.taxa", table.get("taxa", []))
    labels = table.get("dataset_labels", {})
    if not isinstance(labels, dict):
        rule = f"expected an object from dataset to labels, got {_shown(labels)}"
        raise _WrongError(f"{place}.dataset_labels", rule)
    exclude = None
    if table.get("exclude") is not None:
        place_of_it = f"{place}.exclude"
        less = _members(place_of_it, table["exclude"], _SELECTION)
        exclude = Selection(**_selection(place_of_it, less))
    return {
        "taxa": tuple(_taxon(f"{place}.taxa[{i}]", taxon) for i, taxon in enumerate(taxa)),
        "dataset_labels": {
            dataset: _texts(f'{place}.dataset_labels."{dataset}"', names)
            for dataset, names in labels.items()
        },
        "exclude": exclude,
    }


def _taxon(place: str, entry: Any) -> TaxonRule:
    table = _members(place, entry, _TAXON)
    for key in ("level", "name"):
        if not isinstance(table.get(key), str):
            raise _WrongError(place, f'"{key}" must be a text, got {_shown(table.get(key))}')
    datasets = table.get("datasets")
    kept = None if datasets is None else _texts(f"{place}.datasets", datasets)
    return TaxonRule(table["level"], table["name"], kept)


def _members(place: str, entry: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise _WrongError(place, f"expected an object, got {_shown(entry)}")
    if unknown := [key for key in entry if key not in known]:
        raise _WrongError(place, f'no key "{unknown[0]}" is known here, only {", ".join(known)}')
    return entry


def _list(place: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _WrongError(place, f"expected a list, got {_shown(value)}")
    return value


def _texts(place: str, value: Any) -> tuple[str, ...]:
    texts = _list(place, value)
    if wrong := [text for text in texts if not isinstance(text, str)]:
        raise _WrongError(place, f"expected texts, got {_shown(wrong[0])}")
    return tuple(texts)


def _shown(value: object) -> str:
    return json.dumps(value)[:80]


def write(path: Path, spec: LabelSpec, indent: int | None = None) -> None:
    """Write a specification in its order, members in the order of the original's tool."""
    table = {label: _rule_table(rule) for label, rule in spec.items()}
    files.write_text(path, json.dumps(table, indent=indent))


def _rule_table(rule: LabelRule) -> dict[str, object]:
    table = _selection_table(rule)
    if rule.max_count is not None:
        table["max_count"] = rule.max_count
    if rule.prioritize:
        table["prioritize"] = [list(level) for level in rule.prioritize]
    return table


def _selection_table(selection: Selection) -> dict[str, object]:
    table: dict[str, object] = {}
    if selection.dataset_labels:
        labels = selection.dataset_labels.items()
        table["dataset_labels"] = {dataset: list(names) for dataset, names in labels}
    if selection.taxa:
        table["taxa"] = [_taxon_table(taxon) for taxon in selection.taxa]
    if selection.exclude is not None:
        table["exclude"] = _selection_table(selection.exclude)
    return table


def _taxon_table(taxon: TaxonRule) -> dict[str, object]:
    table: dict[str, object] = {"level": taxon.level, "name": taxon.name}
    return table if taxon.datasets is None else {**table, "datasets": list(taxon.datasets)}
