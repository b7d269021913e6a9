"""``classlist.txt``: one name a line, in the order of the classes; empty lines do not count.

``cropped_camera_trap_dataset_statistics.py --classlist_output`` writes it.
"""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import FormatError, UserError


def read(path: Path) -> list[str]:
    """Read the names; raise UserError if there is no such file or no name in it."""
    try:
        names = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        raise UserError(f"{path}: no such class list") from None
    except UnicodeDecodeError as error:
        raise FormatError(path, f"byte {error.start}", "not UTF-8 text") from None
    if not names:
        raise FormatError(path, "", "the class list has no name")
    return names
