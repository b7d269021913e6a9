"""JSON files of detections, whichever tool wrote them: told apart by their keys.

===============  =============================================  =======================
kind             by                                             read by
===============  =============================================  =======================
``detections``   ``images`` (MegaDetector 1.0 to 1.6)           ``megadetector_json``
``predictions``  ``predictions`` (SpeciesNet)                   ``speciesnet_json``
``response``     ``Status`` or ``request_status``: what the     ``task_answer``: it says
                 Batch Detection API answers about a task       where the detections are
===============  =============================================  =======================
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from database_tools.formats import json_stream, megadetector_json, speciesnet_json
from database_tools.formats.megadetector_json import Header, Image

DETECTIONS, PREDICTIONS, RESPONSE = "detections", "predictions", "response"

_KINDS = {
    "images": DETECTIONS,
    speciesnet_json.MEMBER: PREDICTIONS,
    "Status": RESPONSE,
    "request_status": RESPONSE,
}
_READERS = {DETECTIONS: megadetector_json, PREDICTIONS: speciesnet_json}


def kind(path: Path) -> str:
    """Return what a file is, by the first key that tells; ``detections`` if none does."""
    keys = (key for key, _, _ in json_stream.stretches(path))
    return next((_KINDS[key] for key in keys if key in _KINDS), DETECTIONS)


def read_header(path: Path, *, whole: bool = True) -> Header:
    """Read everything but the pictures; as ``megadetector_json.read_header``."""
    return _READERS.get(kind(path), megadetector_json).read_header(path, whole=whole)


def images(path: Path) -> Iterator[Image]:
    """Yield the pictures in the file's order; errors as ``megadetector_json.images``."""
    return _READERS.get(kind(path), megadetector_json).images(path)
