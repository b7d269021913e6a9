"""The Example of a crop: every feature of the original, always present, and four of ours.

Ours are ``image/location``, ``image/seq_id`` and ``image/original_key`` (texts), which splits and
metrics by location need, and ``image/detection_conf`` (float).  ``image/filename`` is the
picture's name in the annotations; the original wrote a path on the machine that built the dataset.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from database_tools.formats import example
from database_tools.formats.example import NO_BYTES, NO_FLOATS, NO_INTS

_ABOUT_BOXES: dict[str, example.Feature] = {
    **{f"image/object/bbox/{k}": NO_FLOATS for k in ("xmin", "xmax", "ymin", "ymax")},
    **{f"image/object/bbox/{k}": NO_FLOATS for k in ("conf", "score")},
    **{f"image/object/parts/{k}": NO_FLOATS for k in ("x", "y", "score")},
    "image/object/area": NO_FLOATS,
    "image/object/bbox/label": NO_INTS,
    "image/object/class/label": NO_INTS,
    "image/object/parts/v": NO_INTS,
    "image/object/is_crowd": NO_INTS,
    "image/object/bbox/text": NO_BYTES,
    "image/object/class/text": NO_BYTES,
    "image/object/id": NO_BYTES,
}

_CONSTANT: dict[str, example.Feature] = {
    **_ABOUT_BOXES,
    "image/format": (b"JPEG",),
    "image/colorspace": (b"RGB",),
    "image/channels": np.array([3]),
    "image/extra": (b"",),
    "image/class/conf": np.array([1.0], np.float32),
    "image/object/count": np.array([0]),
}

_SERIALISED = {name: example.entry(name, feature) for name, feature in _CONSTANT.items()}


@dataclass(frozen=True, slots=True)
class About:
    """What an Example says of a crop besides its pixels; file and location are the picture's."""

    id: int
    file: str
    original_key: str
    label: int
    category: str
    location: str
    sequence: str
    confidence: float


def encode(jpeg: bytes, width: int, height: int, about: About) -> bytes:
    """Serialise the Example of a crop of ``width`` x ``height`` pixels."""
    number = str(about.id).encode()
    own: dict[str, example.Feature] = {
        "image/encoded": (jpeg,),
        "image/key/sha256": (hashlib.sha256(jpeg).hexdigest().encode(),),
        "image/width": np.array([width]),
        "image/height": np.array([height]),
        "image/filename": (_text(about.file),),
        "image/id": (number,),
        "image/source_id": (number,),
        "image/class/label": np.array([about.label]),
        "image/class/text": (_text(about.category),),
        "image/original_key": (_text(about.original_key),),
        "image/location": (_text(about.location),),
        "image/seq_id": (_text(about.sequence),),
        "image/detection_conf": np.array([about.confidence], np.float32),
    }
    entries = {name: example.entry(name, feature) for name, feature in own.items()}
    return example.assemble(_SERIALISED | entries)


def _text(text: str) -> bytes:
    # JSON can hold half a surrogate pair; it must not stop a build.
    return text.encode("utf-8", "surrogatepass")
