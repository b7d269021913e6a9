"""``<stage>_ledger.json``: the account of a stage, for people and for the next stage.

{"stage": "make_classification_dataset", "total": 5, "kept": 3,
 "dropped": {"missing": ["b.jpg"], "no detection": ["c.jpg"]}}
"""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.core.ledger import Ledger
from database_tools.durable import files


def path_in(folder: Path, stage: str) -> Path:
    """Return where the ledger of ``stage`` lies in ``folder``."""
    return folder / f"{stage}_ledger.json"


def write(folder: Path, ledger: Ledger) -> Path:
    """Write the ledger into ``folder`` and return its path."""
    path = path_in(folder, ledger.stage)
    dropped = {reason: list(names) for reason, names in ledger.dropped.items()}
    table = {"stage": ledger.stage, "total": ledger.total, "kept": ledger.kept, "dropped": dropped}
    files.write_json(path, table)
    return path


def read(path: Path) -> Ledger:
    """Read a ledger; raise FormatError when it is none or does not add up."""
    table = files.read_json(path)
    try:
        return Ledger(table["stage"], table["total"], table["kept"], table["dropped"])
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(path, "top level", f"not a ledger: {error!r}") from None
    except ValueError as error:
        raise FormatError(path, "top level", str(error)) from None
