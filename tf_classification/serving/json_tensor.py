"""JSON to tensors and back, by the rules and in the words of TensorFlow Serving's REST API.

A request has its pictures in rows or in columns, and is answered likewise::

    {"instances": [{"image_bytes": {"b64": "..."}}, ...]}  ->  {"predictions": [{...}, ...]}
    {"inputs": {"image_bytes": [{"b64": "..."}, ...]}}     ->  {"outputs": {...}}

With a single input its name may be left out: ``{"instances": [{"b64": "..."}]}``.  The texts of the
errors, "Excepting" and all, are TensorFlow Serving's, so that a client that reads them need not
change.

Source: tensorflow/serving, g3doc/api_rest.md and util/json_tensor.cc.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from tf_classification.serving import json_rows
from tf_classification.serving.errors import RequestError, invalid
from tf_classification.serving.json_rows import FRAME, LARGEST_EXACT, Limits, Rows

Array = npt.NDArray[Any]

DEFAULT_SIGNATURE = "serving_default"
STRING, FLOAT = "string", "float"
_QUOTED, _QUOTED_ITEMS, _QUOTED_LEVELS = 500, 8, 4
_LARGEST_FLOAT = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Request:
    """A predict request, understood.

    Attributes:
        signature: name of the signature.
        rows: whether it came, and wants its answer, in rows.
        inputs: name to array; strings as an object array of bytes.
    """

    signature: str
    rows: bool
    inputs: dict[str, Array]


def parse(body: bytes | bytearray, limits: Limits | None = None) -> dict[str, Any]:
    """Read the body of a request.

    Returns:
        The object; where the request is large, with ``Rows`` in place of its first list.

    Raises:
        RequestError: if it is not a JSON object, or has more than ``limits`` allow.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    frame, rows = json_rows.split(body, limits or Limits())
    table = json_rows.parse_text(frame if len(body) > FRAME else body)
    if not isinstance(table, dict):
        raise invalid(f"JSON Value: {_text(table)} Is not object")
    for named in (table, *(value for value in table.values() if isinstance(value, dict))):
        named.update({key: rows for key, value in named.items() if value == json_rows.MARK})
    return table


def signature_of(table: Mapping[str, Any]) -> str:
    """Return the name of the signature that a request asks for."""
    name = table.get("signature_name", "")
    if not isinstance(name, str):
        rule = "not formatted correctly. 'signature_name' key must be a string value."
        raise invalid(f"JSON Value: {_text(table)} {rule}")
    return name or DEFAULT_SIGNATURE


def read(table: Mapping[str, Any], signature: str, types: Mapping[str, str]) -> Request:
    """Turn a request into tensors.

    Raises:
        RequestError: with TensorFlow Serving's text.
    """
    if "instances" in table and "inputs" in table:
        rule = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        raise invalid(f"JSON Value: {_text(table)} {rule} ")
    if "instances" in table:
        rows = table["instances"]
        if not isinstance(rows, list | Rows):
            raise invalid(f"JSON Value: {_text(table)} Excepting 'instances' to be an list/array")
        if not rows:
            raise invalid(f"JSON Value: {_text(table)} No values in 'instances' array")
        return Request(signature, True, _from_rows(rows, types))
    if "inputs" in table:
        return Request(signature, False, _from_columns(table["inputs"], types))
    raise invalid("Missing 'inputs' or 'instances' key")


def _from_columns(value: Any, types: Mapping[str, str]) -> dict[str, Array]:
    if not _is_named(value):
        if len(types) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        value = {next(iter(types)): value}
    for name in types:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: _tensor(value[name], kind) for name, kind in types.items()}


def _from_rows(rows: list[Any] | Rows, types: Mapping[str, str]) -> dict[str, Array]:
    columns: dict[str, list[Array]] = {name: [] for name in types}
    named = None
    for i, row in enumerate(rows):
        if named is None:
            named = _is_named(row)
            if not isinstance(row, dict) and len(types) > 1:
                raise invalid(
                    "instances is a plain list, but expecting list of objects as multiple input "
                    "tensors required as per tensorinfo_map"
                )
        if named != _is_named(row):
            wrong = "object but got list" if named else "value/list but got object"
            raise invalid(f"Expecting {wrong} at item {i} of input list")
        items = row if named else {next(iter(types)): row}
        for name, value in items.items():
            key = f" key: {_text(name)[1:-1]}" if named else ""
            try:
                tensor = _row_tensor(columns, name, value, types)
            except RequestError as error:
                text = f"of 'instances' list. Error: INVALID_ARGUMENT: {error.message}"
                raise invalid(f"Failed to process element: {i}{key} {text}") from None
            columns[name].append(tensor)
        if set(items) != set(types):
            keys = ",".join(sorted(types))
            text = f"of 'instances' list. JSON object: {_text(row)} keys must be equal to: {keys}"
            raise invalid(f"Failed to process element: {i} {text}")
    return {name: np.stack(column) for name, column in columns.items()}


def _row_tensor(
    columns: Mapping[str, list[Array]], name: str, value: Any, types: Mapping[str, str]
) -> Array:
    if name not in types:
        raise invalid(f"JSON object: does not have named input: {name[:100]}")
    tensor = _tensor(value, types[name])
    first = columns[name][0] if columns[name] else tensor
    if tensor.size != first.size:
        raise invalid(f"Expecting tensor size: {first.size} but got: {tensor.size}")
    if tensor.shape != first.shape:
        wanted, this = (",".join(map(str, array.shape)) for array in (first, tensor))
        raise invalid(f"Expecting shape [{wanted}] but got: [{this}]")
    return tensor


def _is_named(value: Any) -> bool:
    """Tell an object of named inputs from a value; ``{"b64": "..."}`` is a value."""
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    return isinstance(value.get("b64"), str | bytes | memoryview)


def _tensor(value: Any, kind: str) -> Array:
    if not isinstance(value, Rows):
        return _array(value, _shape(value), 0, kind)
    parts: list[Array] = []
    shape: tuple[int, ...] = ()
    for row in value:
        shape = shape or (len(value), *_shape(row))
        parts.append(_array(row, shape, 1, kind))
    return np.stack(parts)


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape that an array begins as."""
    if isinstance(value, np.ndarray):
        return value.shape
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _array(value: Any, shape: tuple[int, ...], level: int, kind: str) -> Array:
    """Make the array of a value that lies ``level`` lists deep in one of ``shape``."""
    if len(shape) > json_rows.DEPTH:
        raise invalid(f"Encountered more than {json_rows.DEPTH} lists in each other")
    if isinstance(value, np.ndarray):
        if kind == FLOAT and value.shape == shape[level:]:
            return value.astype(np.float32)
        value = value.tolist()
    flat: list[Any] = []
    _fill(flat, value, level, shape, kind)
    if kind == FLOAT:
        return np.asarray(flat, np.float32).reshape(shape[level:])
    array = np.empty(len(flat), object)
    array[:] = flat
    return array.reshape(shape[level:])


def _fill(flat: list[Any], value: Any, level: int, shape: tuple[int, ...], kind: str) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {_text(value)} found at incorrect level: {level + 1} in the JSON "
                f"DOM. Expected at level: {len(shape)}"
            )
        flat.append(_bytes(value) if kind == STRING else _number(value))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for item in value:
        _fill(flat, item, level + 1, shape, kind)


def _number(value: Any) -> float:
    if type(value) is float and (abs(value) <= _LARGEST_FLOAT or not np.isfinite(value)):
        return value
    if type(value) is int and abs(value) <= LARGEST_EXACT:
        return value
    if type(value) in (int, float):
        raise invalid(
            f"Cannot convert JSON value: {_text(value)} to float without loss of precision."
        )
    raise _type_error(value, FLOAT)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, dict):
        if not _is_base64(value):
            raise invalid(f"JSON Value: {_text(value)} not formatted correctly for base64 data")
        return _decode_base64(value["b64"])
    raise _type_error(value, STRING)


def _decode_base64(text: str | bytes | memoryview) -> bytes:
    """Decode as TensorFlow Serving does: white space is skipped, padding may be missing."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raw = text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)
        packed = raw.translate(None, b" \t\r\n").rstrip(b"=")
    try:
        return binascii.a2b_base64(packed + b"=" * (-len(packed) % 4), strict_mode=True)
    except ValueError:
        raise invalid("Unable to base64 decode") from None


def _type_error(value: Any, kind: str) -> RequestError:
    names = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
    name = names.get(type(value)) or {True: "True", False: "False", None: "Null"}[value]
    return invalid(f"JSON Value: {_text(value)} Type: {name} is not of expected type: {kind}")


def _text(value: Any) -> str:
    """Quote a value in an error; a request may be megabytes, so only its begin is looked at."""
    text = json.dumps(_begin(value), indent=4, ensure_ascii=False)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."


def _begin(value: Any, level: int = 0) -> Any:
    if isinstance(value, dict | list) and level == _QUOTED_LEVELS:
        return "..."
    if isinstance(value, dict):
        first = itertools.islice(value.items(), _QUOTED_ITEMS)
        return {str(key)[:_QUOTED]: _begin(item, level + 1) for key, item in first}
    if isinstance(value, list):
        return [_begin(item, level + 1) for item in value[:_QUOTED_ITEMS]]
    if isinstance(value, bytes | memoryview):
        return bytes(value[:_QUOTED]).decode("utf-8", "replace")
    if isinstance(value, str):
        return value[:_QUOTED]
    return value if isinstance(value, int | float | None) else "..."


def write(outputs: Mapping[str, Array], *, rows: bool) -> bytes:
    """Answer with tensors in rows or in columns, as the request was.

    Args:
        outputs: name to array; strings as object arrays of bytes.
        rows: whether to answer in rows.

    Raises:
        RequestError: in rows, if the outputs have not one row for each picture.
    """
    names = sorted(outputs)
    # orjson is fast and writes a float32 as the shortest text that gives it again, but has no NaN
    finite = all(a.dtype.kind != "f" or np.isfinite(a).all() for a in outputs.values())
    columns = {name: _plain(name, outputs[name], finite=finite) for name in names}
    value: Any = columns if len(names) > 1 else columns[names[0]]
    if not rows:
        return _dump({"outputs": value}, finite=finite)
    if len({np.shape(outputs[name])[:1] for name in names}) != 1:
        raise invalid("the outputs differ in the size of their 0th dimension")
    if len(names) > 1:
        lists = zip(*(columns[name] for name in names), strict=True)
        value = [dict(zip(names, values, strict=True)) for values in lists]
    return _dump({"predictions": value}, finite=finite)


def _plain(name: str, array: Array, *, finite: bool) -> Any:
    if array.dtype == object:
        encode = _encoded if name.endswith("_bytes") else _decoded
        known = {value: encode(value) for value in set(array.ravel())}
        return np.vectorize(known.get, otypes=[object])(array).tolist()
    if finite:
        return np.ascontiguousarray(array)
    # By way of text, which has the fewest digits that give a float32 back.
    return (array.astype(str).astype(float) if array.dtype.kind == "f" else array).tolist()


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _encoded(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}


def _dump(table: dict[str, Any], *, finite: bool) -> bytes:
    if finite:
        return orjson.dumps(table, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(table).encode("ascii")
