"""When a picture was taken, as its EXIF says."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from database_tools.durable import spelling

_IFD, _ORIGINAL, _CHANGED = 0x8769, 0x9003, 0x0132
_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")


def when(path: Path) -> str:
    """Return ``2021-05-03 06:12:00``, the camera's own time; empty if the file does not tell.

    Only the head of a file of this machine is read.
    """
    try:
        with spelling.locate(path).open("rb") as file, Image.open(file) as image:
            tags = image.getexif()
            said = tags.get_ifd(_IFD).get(_ORIGINAL) or tags.get(_CHANGED)
    except Exception:  # Pillow's readers raise whatever the bytes make them stumble over
        return ""
    found = _TIME.match(str(said))
    if found is None or found[1] == "0000":
        return ""
    return f"{found[1]}-{found[2]}-{found[3]} {found[4]}"
