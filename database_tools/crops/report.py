"""What a cropping run tells at its end: the ledger, the log, one line, and whether it is strict."""

from __future__ import annotations

import logging
from pathlib import Path

from database_tools.core import reasons
from database_tools.core.errors import UserError
from database_tools.core.ledger import NEARLY_ALL, Ledger
from database_tools.crops.crop_folder import Outcome
from database_tools.formats import crop_log, ledger_json

log = logging.getLogger(__name__)


def write(
    outcome: Outcome, images: Path | None, *, strict: bool, ledger_in: Path, log_in: Path
) -> None:
    """Write ledger and log, and say in some lines what they hold.

    Raises:
        UserError: after that, if nearly no picture could be read, or one and the run is strict.
    """
    ledger, new, brought = outcome
    path = ledger_json.write(ledger_in, ledger)
    crop_log.write(log_in, ledger, new, brought)
    log.info("%d crops of %d pictures, %d of them new", ledger.outputs, ledger.kept, new)
    if brought:
        log.info("%d pictures were downloaded", brought)
    for summary in filter(None, (ledger.summary(), ledger.summary_beside())):
        log.info("%s. See %s", summary, path)
    unread = ledger.count(reasons.READING)
    opened = ledger.kept + unread + ledger.count(reasons.CROPS)
    if unread and unread >= NEARLY_ALL * opened:
        said = f"{unread:,} of {opened:,} pictures could not be read, as"
        raise UserError(f"{said} {(images or Path()) / _example(ledger)}; see {path}")
    if strict and unread:
        raise UserError(f"--strict: {unread} pictures could not be read; see {path}")


def _example(ledger: Ledger) -> str:
    dropped = ledger.dropped
    reason = max((why for why in dropped if why in reasons.READING), key=lambda w: len(dropped[w]))
    return f"{dropped[reason][0]} ({reason})"
