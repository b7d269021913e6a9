"""Tables of probabilities, several as one: of parts of a run, or of several runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from database_tools.core import names
from database_tools.core.errors import FormatError
from database_tools.core.names import CropName
from database_tools.formats import classifier_csv
from database_tools.formats.classifier_csv import Floats


def labels(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the labels of the first table; raise FormatError if another one's are others."""
    with classifier_csv.reading(paths[0]) as table:
        known = table.label_names
    if not known:
        raise FormatError(paths[0], "line 1", "no column of probabilities")
    for path in paths[1:]:
        with classifier_csv.reading(path) as table:
            if odd := set(known) ^ set(table.label_names):
                rule = f"its labels are not those of {paths[0]}: {min(odd)!r} is in one only"
                raise FormatError(path, "line 1", rule)
    return known


def rows(paths: Sequence[Path], labels: Sequence[str]) -> Iterator[tuple[Path, list[str], Floats]]:
    """Yield table, crops and (n, C) probabilities in the order of ``labels``, some at a time."""
    for path in paths:
        with classifier_csv.reading(path) as table:
            order = [table.label_names.index(name) for name in labels]
            for some in table:
                for crop in some.paths:
                    with FormatError.at(path, crop):
                        CropName.parse(names.tidy(crop))
                wrong = (some.probabilities < 0) | (some.probabilities > 1 + 1e-5)
                if wrong.any():
                    row, column = map(int, divmod(int(wrong.argmax()), wrong.shape[1]))
                    value = some.probabilities[row, column]
                    raise FormatError(path, some.paths[row], f"{value} is no probability")
                yield path, some.paths, some.probabilities[:, order]
