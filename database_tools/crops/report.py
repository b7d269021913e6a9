"""What a cropping run tells at its end: the ledger, the log, one line, and whether it is strict."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import reasons
from database_tools.core.errors import UserError
from database_tools.core.ledger import NEARLY_ALL, Ledger
from database_tools.formats import crop_log, ledger_json

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Made:
    """What became of a run.

    Attributes:
        ledger: of its pictures.
        new: crops that were not there before.
        images: folder of the pictures.
        strict: whether one picture that could not be read is an error.
    """

    ledger: Ledger
    new: int
    images: Path
    strict: bool = False


def write(made: Made, ledger_in: Path, log_in: Path) -> None:
    """Write ledger and log, and say in some lines what they hold.

    Raises:
        UserError: after that, if nearly no picture could be read, or one and the run is strict.
    """
    ledger = made.ledger
    path = ledger_json.write(ledger_in, ledger)
    crop_log.write(log_in, ledger, made.new)
    log.info("%d crops of %d pictures, %d of them new", ledger.outputs, ledger.kept, made.new)
    for summary in filter(None, (ledger.summary(), ledger.summary_beside())):
        log.info("%s. See %s", summary, path)
    unread = ledger.count(reasons.READING)
    opened = ledger.kept + unread + ledger.count(reasons.CROPS)
    if unread and unread >= NEARLY_ALL * opened:
        shown = f"{unread:,} of {opened:,} pictures could not be read, as {_example(made)}"
        raise UserError(f"{shown}; see {path}")
    if made.strict and unread:
        raise UserError(f"--strict: {unread} pictures could not be read; see {path}")


def _example(made: Made) -> str:
    dropped = made.ledger.dropped
    reason = max((why for why in dropped if why in reasons.READING), key=lambda w: len(dropped[w]))
    return f"{made.images / dropped[reason][0]} ({reason})"
