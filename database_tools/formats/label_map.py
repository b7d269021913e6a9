r"""``label_map.pbtxt``: class ids and names, as the TensorFlow Object Detection API has them.

    item {name: "red fox" id: 0}
    # comments may hold anything: { } "
    item {
      name: "/m/0jbk"
      id: 16
      display_name: "bear"
    }

The first line is how the builder of crop datasets writes an item; the other tools' items have a
key on each line, in any order, perhaps messages within (``keypoints {...}``), and may have
``display_name``, which is the name to show.  Texts may have the escapes of protobuf's text format:
``\"``, ``\n``, ``\303\251`` (two bytes of UTF-8 in octal), ``\xe9``, ``\u00e9``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.durable import files

_TOKEN = re.compile(
    r"""\#[^\n]* | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*') | (?P<number>-?\d+\b)
    | (?P<word>\w+) | (?P<mark>[{}"'])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{1,2})|(?P<octal>[0-7]{1,3})"
    r"|(?:u(?P<short>[0-9A-Fa-f]{4})|U(?P<long>[0-9A-Fa-f]{8}))|(?P<letter>.))"
)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}

Fields = dict[str, int | str]


def read(path: Path) -> dict[int, str]:
    """Read class id to name, in the file's order.

    Raises:
        FormatError: if it holds no item, an item has no id or name or no end, or an id is there
            twice.
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    names: dict[int, str] = {}
    for start, fields in _items(text):
        number, name = fields.get("id"), fields.get("display_name", fields.get("name"))
        place = f"line {text.count(chr(10), 0, start) + 1}"
        if not isinstance(number, int) or not isinstance(name, str):
            raise FormatError(path, place, "this item needs an id and a name")
        if number in names:
            raise FormatError(path, place, f"the id {number} is there twice")
        names[number] = name
    if not names:
        raise FormatError(path, "", 'no item like item {name: "animal" id: 1}')
    return names


def _items(text: str) -> Iterator[tuple[int, Fields]]:
    """Yield where each item starts and its own fields; an item without end has none."""
    depth, start, key = 0, 0, ""
    fields: Fields = {}
    for token in _TOKEN.finditer(text):
        if token["mark"] == "{":
            depth += 1
            if depth == 1:
                start, fields = token.start(), {}
        elif token["mark"] == "}":
            depth -= 1
            if depth == 0:
                yield start, fields
        elif token["mark"]:  # a quote that begins no text
            break
        elif depth == 1:
            key = _take(fields, key, token)
    else:
        if depth == 0:
            return
    yield start, {}


def _take(fields: Fields, key: str, token: re.Match[str]) -> str:
    """Take a key, or a value of the last key, which is returned."""
    if token["word"]:
        fields.pop(token["word"], None)
        return token["word"]
    if token["number"]:
        fields[key] = int(token["number"])
    elif token["text"]:  # texts in a row are one
        fields[key] = str(fields.get(key, "")) + _unescaped(token["text"][1:-1])
    return key


def _unescaped(text: str) -> str:
    # By bytes, as two octal escapes may be one letter.
    content, end = b"", 0
    for escape in _ESCAPE.finditer(text):
        content += text[end : escape.start()].encode() + _escaped(escape)
        end = escape.end()
    content += text[end:].encode()
    try:
        return content.decode(errors="surrogatepass")
    except UnicodeDecodeError:
        return content.decode(errors="replace")


def _escaped(escape: re.Match[str]) -> bytes:
    if escape["hex"] or escape["octal"]:
        return bytes([int(escape["hex"] or escape["octal"], 16 if escape["hex"] else 8) % 256])
    if code := escape["short"] or escape["long"]:
        return chr(min(int(code, 16), 0x10FFFF)).encode(errors="surrogatepass")
    return _LETTERS.get(escape["letter"], escape["letter"]).encode()


def write(path: Path, names: Mapping[int, str]) -> None:
    """Write one line for each class, in the mapping's order."""
    lines = [
        f"item {{name: {json.dumps(name, ensure_ascii=False)} id: {number}}}\n"
        for number, name in names.items()
    ]
    files.write_text(path, files.escape_surrogates("".join(lines)))
