"""``<stage>_ledger.json``: the account of a stage, for people and for the next stage.

    {"stage": "make_classification_dataset", "total": 5, "kept": 3, "made": 4,
     "dropped": {"missing": ["b.jpg"], "nothing detected": ["c.jpg"]},
     "beside": {"annotation of an image that is not listed": ["17"]}}

``made`` is there where an input may give several outputs; what is ``beside`` is no input of its
own, and is not in the sum.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.core.ledger import Ledger
from database_tools.durable import files


def path_in(folder: Path, stage: str) -> Path:
    """Return where the ledger of ``stage`` lies in ``folder``."""
    return folder / f"{stage}_ledger.json"


def write(folder: Path, ledger: Ledger) -> Path:
    """Write the ledger into ``folder``, one name at a time, and return its path."""
    path = path_in(folder, ledger.stage)
    with files.writing(path) as file:
        file.writelines(_pieces(ledger))
    return path


def read(path: Path) -> Ledger:
    """Read a ledger; raise FormatError when it is none or does not add up."""
    table = files.read_json(path)
    try:
        lists = {name: dict(table.get(name, {})) for name in ("dropped", "beside")}
        if not all(isinstance(names, list) for group in lists.values() for names in group.values()):
            raise FormatError(path, "top level", "not a ledger: no lists of names")
        return Ledger(
            table["stage"],
            table["total"],
            table["kept"],
            lists["dropped"],
            table.get("made"),
            lists["beside"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(path, "top level", f"not a ledger: {error!r}") from None
    except ValueError as error:
        raise FormatError(path, "top level", str(error)) from None


def disagreement(folder: Path, stage: str, found: int) -> str:
    """Say how what the next stage found differs from what ``stage`` made; empty if it does not.

    Nothing is said in a folder without a ledger.
    """
    path = path_in(folder, stage)
    if not path.exists():
        return ""
    try:
        made = read(path).outputs
    except FormatError as error:
        return str(error)
    return "" if made == found else f"{path} counts {made:,}, but there are {found:,}"


def _pieces(ledger: Ledger) -> Iterator[str]:
    """Yield the text as ``json.dump`` writes it, indented by 1, without a list of all names."""
    yield f'{{\n "stage": {_text(ledger.stage)},\n "total": {ledger.total},\n'
    yield f' "kept": {ledger.kept},\n'
    if ledger.made is not None:
        yield f' "made": {ledger.made},\n'
    yield ' "dropped": '
    yield from _lists(ledger.dropped)
    if ledger.beside:
        yield ',\n "beside": '
        yield from _lists(ledger.beside)
    yield "\n}\n"


def _lists(lists: Mapping[str, Sequence[str]]) -> Iterator[str]:
    separator = "{\n"
    for reason, names in lists.items():
        yield f"{separator}  {_text(reason)}: ["
        between = "\n"
        for name in names:
            yield f"{between}   {_text(name)}"
            between = ",\n"
        yield "\n  ]" if names else "]"
        separator = ",\n"
    yield "\n }" if lists else "{}"


def _text(text: str) -> str:
    return files.escape_surrogates(json.dumps(text, ensure_ascii=False))
