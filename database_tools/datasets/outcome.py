"""Whether what was built is a dataset, by its ledger; asked again when a run finds it complete."""

from __future__ import annotations

from pathlib import Path

from database_tools.core import names, reasons
from database_tools.core.errors import UserError
from database_tools.core.ledger import NEARLY_ALL, Ledger
from database_tools.datasets.build_config import BuildConfig
from database_tools.durable import spelling
from database_tools.formats import ledger_json


def check(path: Path, config: BuildConfig) -> None:
    """Judge a build by the ledger that lies at ``path``.

    Raises:
        UserError: if there is no crop, or nearly no picture could be read, or one could not and
            the run is strict.
    """
    ledger = ledger_json.read(path)
    unread = ledger.count(reasons.READING)
    opened = ledger.kept + unread + ledger.count(reasons.CROPS)
    if config.frozen_graph != "-":
        opened += ledger.count(reasons.DETECTIONS)
    if unread and unread >= NEARLY_ALL * opened:
        raise UserError(
            f"{unread:,} of {opened:,} images that were looked for could not be read, as "
            f"{_example(ledger, config.image_dir)}; see {path}"
        )
    if not ledger.outputs:
        raise UserError(f"no crop was made: {ledger.summary()}; see {path}")
    if config.strict and unread:
        raise UserError(f"--strict: {unread} images could not be read; see {path}")


def _example(ledger: Ledger, image_dir: Path) -> str:
    """Name the path of a picture that could not be read, and why."""
    of_files = {why: files for why, files in ledger.dropped.items() if why in reasons.READING}
    reason = max(of_files, key=lambda why: len(of_files[why]))
    name = of_files[reason][0]
    other = spelling.other_case(image_dir, names.tidy(name)) if reason == reasons.MISSING else None
    hint = f"; there is {other!r}, in other letter case" if other else ""
    return f"{image_dir / name} ({reason}{hint})"
