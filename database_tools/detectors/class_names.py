"""Names of a detector's classes, if a label map lies beside it.

For ``model.pb``: ``model_label_map.pbtxt`` or ``label_map.pbtxt`` in the same folder.  For a
SavedModel: ``label_map.pbtxt`` in its folder or in ``assets``.
"""

from __future__ import annotations

from pathlib import Path

from database_tools.formats import label_map


def beside(detector: Path) -> dict[str, str] | None:
    """Return class id to name, or None if there is no label map; raise FormatError on a bad one."""
    if detector.is_dir():
        candidates = [detector / "label_map.pbtxt", detector / "assets" / "label_map.pbtxt"]
    else:
        own = detector.with_name(f"{detector.stem}_label_map.pbtxt")
        candidates = [own, detector.with_name("label_map.pbtxt")]
    for candidate in candidates:
        if candidate.is_file():
            return {str(number): name for number, name in label_map.read(candidate).items()}
    return None
