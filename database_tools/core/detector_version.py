"""A detector's version: from its name, and whether two of them are one.

===========================  ==========
``info.detector``            version
===========================  ==========
``md_v4.1.0.pb``             4.1.0
``megadetector_v4.1``        4.1
``/models/md_v5a.0.0.pt``    5a.0.0
``my detector``              none
===========================  ==========

Crops (``a.jpg___crop00_mdv4.1.jpg``) and folders of detections (``v4.1``) are called by it.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from database_tools.core.errors import UserError

_ENDING = re.compile(
    r"\.(pb|pt|pth|onnx|h5|keras|tflite|torchscript|engine|zip|json|savedmodel)$", re.IGNORECASE
)
_VERSION = re.compile(r".*[vV]([0-9].*)", re.DOTALL)


def of(detector: str) -> str | None:
    """Return what follows the last ``v`` and digit of a model's name; None if nothing does."""
    match = _VERSION.fullmatch(_without_ending(re.split(r"[/\\]", detector.strip())[-1]))
    return match[1] if match else None


def _without_ending(name: str) -> str:
    while (shorter := _ENDING.sub("", name)) != name:
        name = shorter
    return name


def same(first: str, second: str) -> bool:
    """Say whether two versions are one: 4.1 is 4.1.0, and 4.1.0.pb, as crops of 2022 have it."""
    parts = zip_longest(*(_without_ending(v).split(".") for v in (first, second)), fillvalue="0")
    return all(mine == theirs for mine, theirs in parts)


def choose(flag: str | None, detector: object, file: str) -> str:
    """Return the version that crops and folders are called by: as the flag says, else the file.

    Raises:
        UserError: if both say something and not the same, neither says anything, or what is said
            is no part of a file's name.
    """
    stated = of(detector) if isinstance(detector, str) else None
    if flag is not None and stated is not None and not same(flag, stated):
        raise UserError(
            f"{file}: info.detector is {detector!r}, version {stated}, but --detector-version "
            f"says {flag}"
        )
    version = stated if flag is None else flag
    if version is None:
        said = f"info.detector is {detector!r}" if detector else "no info.detector"
        raise UserError(f"{file}: {said}, which has no version; say --detector-version")
    if not re.fullmatch(r"[^/\\\x00-\x1f]+", version):
        raise UserError(f"--detector-version {version!r} cannot be part of a file's name")
    return version
