"""Names of a detector's classes: its own, or those of a label map beside it.

An ONNX file may have them in its metadata.  A label map of ``model.pb`` is
``model_label_map.pbtxt`` or ``label_map.pbtxt`` in the same folder; that of a SavedModel is
``label_map.pbtxt`` in its folder or in ``assets``.
"""

from __future__ import annotations

from pathlib import Path

from database_tools.formats import label_map


def of(detector: Path) -> dict[str, str] | None:
    """Return category id to name, or None if nothing says; raise UserError on bad ones."""
    if detector.suffix.lower() == ".onnx":
        from database_tools.detectors import onnx_file

        metadata = onnx_file.session(detector).get_modelmeta().custom_metadata_map
        return onnx_file.names(detector, metadata) or beside(detector)
    return beside(detector)


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
