"""``label_map.pbtxt``: class ids and names, as the TensorFlow Object Detection API has them.

    item {name: "red fox" id: 0}
    item {
      name: "/m/0jbk"
      id: 16
      display_name: "bear"
    }

The first line is how the builder of crop datasets writes an item; the other tools' items have a
key on each line, in any order, and may have ``display_name``, which is the name to show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.durable import files

_ITEM = re.compile(
    r"item\s*:?\s*\{(?P<fields>(?:[^{}\"']|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')*)\}"
)
_FIELD = re.compile(r"(?P<key>\w+)\s*:\s*(?P<value>-?\d+|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')")


def read(path: Path) -> dict[int, str]:
    """Read class id to name, in the file's order.

    Raises:
        FormatError: if it holds no item, an item has no id or name, or an id is there twice.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    names: dict[int, str] = {}
    for item in _ITEM.finditer(text):
        fields = {m["key"]: _value(m["value"]) for m in _FIELD.finditer(item["fields"])}
        number, name = fields.get("id"), fields.get("display_name", fields.get("name"))
        place = f"line {text.count(chr(10), 0, item.start()) + 1}"
        if not isinstance(number, int) or not isinstance(name, str):
            raise FormatError(path, place, "this item needs an id and a name")
        if number in names:
            raise FormatError(path, place, f"the id {number} is there twice")
        names[number] = name
    if not names:
        raise FormatError(path, "", 'no item like item {name: "animal" id: 1}')
    return names


def _value(text: str) -> int | str:
    if text[0] not in "\"'":
        return int(text)
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def write(path: Path, names: Mapping[int, str]) -> None:
    """Write one line for each class, in the mapping's order."""
    lines = [
        f"item {{name: {json.dumps(name, ensure_ascii=False)} id: {number}}}\n"
        for number, name in names.items()
    ]
    files.write_text(path, "".join(lines))
