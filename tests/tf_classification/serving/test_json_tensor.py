"""TensorFlow Serving's JSON: the examples of its documentation and of its tests, and its texts."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("orjson", reason="extra [serve] is not installed")

from tf_classification.serving import json_tensor
from tf_classification.serving.errors import RequestError

PIXELS = {"pixels": "float"}
BYTES = {"image_bytes": "string"}
TWO = {"pixels": "float", "name": "string"}


def read(text, types):
    table = json_tensor.parse(text if isinstance(text, bytes) else text.encode())
    return json_tensor.read(table, json_tensor.signature_of(table), types)


def b64(data):
    return json.dumps({"b64": base64.b64encode(data).decode()})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"instances": [[1, 2], [3, 4.5]]}', [[1, 2], [3, 4.5]]),
        ('{"instances": [1, 2]}', [1, 2]),
        ('{"instances": [{"pixels": [1]}, {"pixels": [2]}]}', [[1], [2]]),
        ('{"inputs": [[1, 2]]}', [[1, 2]]),
        ('{"inputs": {"pixels": [[1, 2]]}}', [[1, 2]]),
        ('{"inputs": 7}', 7),
        ('{"inputs": []}', []),
        ('{"instances": [1e-3, -0.0]}', [0.001, 0]),
    ],
)
def test_numbers_come_in_rows_and_in_columns(text, expected):
    found = read(text, PIXELS)
    assert found.inputs["pixels"].dtype == np.float32
    np.testing.assert_array_equal(found.inputs["pixels"], np.array(expected, np.float32))
    assert found.rows == ("instances" in text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{{"instances": [{b64(b"ab")}, {b64(b"c")}]}}', [b"ab", b"c"]),
        (f'{{"instances": [{{"image_bytes": {b64(bytes(range(256)))}}}]}}', [bytes(range(256))]),
        (f'{{"inputs": {{"image_bytes": [{b64(b"ab")}]}}}}', [b"ab"]),
        (f'{{"inputs": {b64(b"ab")}}}', b"ab"),  # a scalar
        ('{"instances": ["text", "é"]}', [b"text", "é".encode()]),
        ('{"instances": [{"b64": "YWI"}]}', [b"ab"]),  # without padding
        ('{"instances": [{"b64": "YW\\nI="}]}', [b"ab"]),  # broken over lines
    ],
)
def test_bytes_come_as_base64_or_as_text(text, expected):
    found = read(text, BYTES).inputs["image_bytes"]
    assert found.tolist() == expected


def test_several_inputs_are_named():
    found = read('{"instances": [{"pixels": [1, 2], "name": "a"}]}', TWO).inputs
    assert found["pixels"].shape == (1, 2)
    assert found["name"].tolist() == [b"a"]


def test_nan_and_infinity_are_legal_both_ways():
    found = read('{"instances": [NaN, Infinity, -Infinity, 0.2]}', PIXELS).inputs["pixels"]
    assert np.isnan(found[0])
    assert found[1:3].tolist() == [np.inf, -np.inf]
    text = json_tensor.write({"x": found}, rows=True)
    assert text == b'{"predictions": [NaN, Infinity, -Infinity, 0.2]}'


def test_the_signature_is_the_default_one_or_the_one_named():
    assert json_tensor.signature_of({}) == "serving_default"
    assert json_tensor.signature_of({"signature_name": ""}) == "serving_default"
    assert json_tensor.signature_of({"signature_name": "serving_pixels"}) == "serving_pixels"


FAILED = "Failed to process element: "


@pytest.mark.parametrize(
    ("text", "types", "message"),
    [
        ("", PIXELS, "JSON Parse error: The document is empty"),
        ('{"instances": [1', PIXELS, "JSON Parse error: "),
        ("[1]", PIXELS, " Is not object"),
        ('{"signature_name": 5, "instances": [1]}', PIXELS, "key must be a string value."),
        ("{}", PIXELS, "Missing 'inputs' or 'instances' key"),
        ('{"instances": [1], "inputs": [1]}', PIXELS, "Not formatted correctly expecting only one"),
        ('{"instances": 1}', PIXELS, "Excepting 'instances' to be an list/array"),
        ('{"instances": []}', PIXELS, "No values in 'instances' array"),
        ('{"instances": [[1,2],[5,6,7]]}', PIXELS, "Expecting tensor size: 2 but got: 3"),
        ('{"instances": [[1,2],[[5,6]]]}', PIXELS, "Expecting shape [2] but got: [1,2]"),
        (
            '{"instances": [[1,[2]]]}',
            PIXELS,
            "Encountered list at unexpected level: 1 expected < 1",
        ),
        (
            '{"instances": [[[1,2],[3]]]}',
            PIXELS,
            "Encountered list at unexpected size: 1 at level: 1",
        ),
        (
            '{"inputs": [[1], 2]}',
            PIXELS,
            "found at incorrect level: 2 in the JSON DOM. Expected at",
        ),
        (
            '{"instances": [[1,2],["a", "b"]]}',
            PIXELS,
            FAILED + "1 of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
        ('{"instances": [true]}', PIXELS, "Type: True is not of expected type: float"),
        ('{"instances": [null]}', PIXELS, "Type: Null is not of expected type: float"),
        ('{"instances": [1, {"b64": "YQ=="}]}', PIXELS, "Type: Object is not of expected type"),
        ('{"instances": [5]}', BYTES, "JSON Value: 5 Type: Number is not of expected type: string"),
        ('{"instances": [16777217]}', PIXELS, "JSON value: 16777217 to float without loss"),
        ('{"instances": [1e39]}', PIXELS, "to float without loss of precision."),
        ('{"instances": [{"b64": "?"}]}', BYTES, "Unable to base64 decode"),
        (
            '{"instances": [{"image_bytes": {"b64": 1}}]}',
            BYTES,
            "not formatted correctly for base64",
        ),
        (
            '{"instances": [{"x": 1}]}',
            PIXELS,
            "key: x of 'instances' list. Error: INVALID_ARGUMENT: ",
        ),
        ('{"instances": [{}]}', PIXELS, "keys must be equal to: pixels"),
        ('{"instances": [{"pixels": 1}, 2]}', PIXELS, "Expecting object but got list at item 1"),
        (
            '{"instances": [1, {"pixels": 2}]}',
            PIXELS,
            "Expecting value/list but got object at item 1",
        ),
        ('{"inputs": {"x": 1}}', PIXELS, "Missing named input: pixels in 'inputs' object."),
        ('{"instances": [1]}', TWO, "instances is a plain list, but expecting list of objects"),
        ('{"inputs": [1]}', TWO, "inputs is a plain value/list, but expecting an object"),
    ],
)
def test_a_wrong_request_gets_tensorflow_servings_text(text, types, message):
    with pytest.raises(RequestError) as caught:
        read(text, types)
    assert message in caught.value.message
    assert caught.value.status == 400


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"instances": ["\xff"]}', b'{"a": "\\ud800"}x'])
def test_hostile_json_is_refused(text):
    with pytest.raises(RequestError, match="JSON Parse error"):
        json_tensor.parse(text)


def test_one_output_is_bare_and_several_are_named():
    one = {"x": np.array([[1.0, 0.5]], np.float32)}
    assert json_tensor.write(one, rows=True) == b'{"predictions":[[1.0,0.5]]}'
    assert json_tensor.write(one, rows=False) == b'{"outputs":[[1.0,0.5]]}'
    labels = np.empty((1, 1), object)
    labels[0, 0] = "é".encode()
    two = one | {"label": labels, "raw_bytes": labels[0]}
    row = {"label": ["é"], "raw_bytes": {"b64": "w6k="}, "x": [1.0, 0.5]}
    assert json.loads(json_tensor.write(two, rows=True)) == {"predictions": [row]}
    columns = {"label": [["é"]], "raw_bytes": [{"b64": "w6k="}], "x": [[1.0, 0.5]]}
    assert json.loads(json_tensor.write(two, rows=False)) == {"outputs": columns}


def test_rows_need_outputs_of_equal_length():
    outputs = {"x": np.zeros(2, np.float32), "y": np.zeros(3, np.float32)}
    with pytest.raises(RequestError, match="0th dimension"):
        json_tensor.write(outputs, rows=True)
    assert json.loads(json_tensor.write(outputs, rows=False))["outputs"]["y"] == [0, 0, 0]


def test_whole_floats_keep_their_point_and_floats_are_as_short_as_can_be():
    values = np.array([[3, 0.2, 1e-5]], np.float32)
    text = json_tensor.write({"x": values}, rows=True).decode()
    assert "3.0,0.2," in text


@given(st.lists(st.floats(width=32), min_size=1, max_size=20))
def test_every_float_survives_the_way_out_and_in(values):
    array = np.array(values, np.float32)
    text = json_tensor.write({"x": array}, rows=True)
    again = np.array(json.loads(text)["predictions"], np.float32)
    np.testing.assert_array_equal(again, array)


@given(st.binary(max_size=200))
def test_every_byte_string_survives_the_way_in(data):
    found = read(f'{{"instances": [{b64(data)}]}}', BYTES).inputs["image_bytes"]
    assert found.tolist() == [data]
