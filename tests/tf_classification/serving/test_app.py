"""The server's addresses, answers and refusals, as a client sees them."""

from __future__ import annotations

import asyncio
import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

pytest.importorskip("starlette", reason="extra [serve] is not installed")
pytest.importorskip("orjson", reason="extra [serve] is not installed")
httpx = pytest.importorskip("httpx", reason="httpx is not installed")

NAME = "demo"
PREDICT = f"/v1/models/{NAME}:predict"


def instance(data):
    return {"image_bytes": {"b64": base64.b64encode(data).decode()}}


def client_of(servable, **limits):
    from tf_classification.serving.app import Limits, Server

    app = Server(servable, NAME, Limits(**limits)).app()
    transport = httpx.ASGITransport(app)

    def ask(*requests):
        async def main():
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await asyncio.gather(*(client.request(*r[:2], **r[2]) for r in requests))

        return asyncio.run(main())

    return ask


@pytest.fixture(scope="module")
def servable(served_bundle):
    from tf_classification.serving.servable import Servable

    return Servable(served_bundle)


@pytest.fixture(scope="module")
def ask(servable):
    return client_of(servable)


@pytest.fixture(scope="module")
def expected(served_bundle, crop):
    """Probabilities of the crops with seeds 0 to 29, by the Python pipeline."""
    import tensorflow as tf

    from tf_classification.data import transforms

    pixels = [transforms.decode_for_evaluation(crop(seed=i), 32) for i in range(30)]
    logits = served_bundle.network()(tf.stack(pixels)).numpy()
    return served_bundle.description.calibration.probabilities(logits)


def test_rows_are_answered_in_rows(ask, expected, crop, served_bundle):
    labels = served_bundle.description.labels
    body = {"instances": [instance(crop(seed=i)) for i in range(3)]}
    (response,) = ask(("POST", PREDICT, {"json": body}))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    rows = response.json()["predictions"]
    assert [row["classes"] for row in rows] == [list(labels)] * 3
    np.testing.assert_allclose([r["probabilities"] for r in rows], expected[:3], atol=1e-5)
    assert rows[0]["top_classes"][0] == labels[expected[0].argmax()]


def test_columns_are_answered_in_columns_and_a_version_may_be_named(ask, expected, crop):
    body = {"inputs": {"image_bytes": [instance(crop())["image_bytes"]]}}
    (response,) = ask(("POST", f"/v1/models/{NAME}/versions/1:predict", {"json": body}))
    outputs = response.json()["outputs"]
    np.testing.assert_allclose(outputs["probabilities"], expected[:1], atol=1e-5)
    assert sorted(outputs) == ["classes", "probabilities", "top_classes", "top_probabilities"]


def test_pixels_are_served_by_their_signature(ask, expected, crop):
    from tf_classification.data import transforms

    pixels = transforms.decode_for_evaluation(crop(), 32).numpy()
    body = {"signature_name": "serving_pixels", "instances": [pixels.tolist()]}
    (response,) = ask(("POST", PREDICT, {"json": body}))
    found = response.json()["predictions"][0]["probabilities"]
    np.testing.assert_allclose(found, expected[0], atol=1e-5)


def test_thirty_clients_at_once_each_get_their_own_answer(ask, expected, crop):
    requests = [
        ("POST", PREDICT, {"json": {"instances": [instance(crop(seed=i))]}}) for i in range(30)
    ]
    found = [response.json()["predictions"][0]["probabilities"] for response in ask(*requests)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len({tuple(row) for row in found}) == 30


def test_a_broken_picture_fails_alone(ask, crop):
    broken = crop(height=200, width=200)[:-400]
    good = ("POST", PREDICT, {"json": {"instances": [instance(crop())]}})
    bad = ("POST", PREDICT, {"json": {"instances": [instance(broken[: len(broken) // 2])]}})
    responses = ask(good, good, good, bad, good)
    assert [r.status_code for r in responses] == [200, 200, 200, 400, 200]
    assert responses[3].json()["error"].startswith("picture 0 cannot be read: ")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "TIFF"])
def test_the_picture_that_cannot_be_read_is_named(ask, crop, file_format):
    whole = crop(height=100, width=100, file_format=file_format)
    pictures = [instance(crop(seed=i)) for i in range(13)]
    pictures[11] = instance(whole[: len(whole) // 2])
    one = {"instances": pictures}
    columns = {"inputs": {"image_bytes": [row["image_bytes"] for row in pictures]}}
    for response in ask(*(("POST", PREDICT, {"json": body}) for body in (one, columns, one))):
        assert response.status_code == 400
        error = response.json()["error"]
        assert error.startswith("picture 11 cannot be read: ")
        assert len(error) > 40, "the reason is said"


def test_pictures_are_those_of_the_image_loader(ask, crop):
    turned, pixels = io.BytesIO(), Image.open(io.BytesIO(crop(40, 60)))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    pixels.save(turned, "JPEG", quality=100, subsampling=0, exif=exif)
    upright, tiff = io.BytesIO(), io.BytesIO()
    ImageOps.exif_transpose(Image.open(io.BytesIO(turned.getvalue()))).save(upright, "PNG")
    Image.open(upright).save(tiff, "TIFF")
    found = [
        response.json()["predictions"][0]["probabilities"]
        for response in ask(
            *(
                ("POST", PREDICT, {"json": {"instances": [instance(file.getvalue())]}})
                for file in (upright, turned, tiff)
            )
        )
    ]
    np.testing.assert_allclose(found[1:], [found[0]] * 2, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 30_000), (1, 400_000), (400_000, 1)])
def test_a_picture_of_one_row_is_answered(ask, crop, shape):
    picture = crop(*shape, file_format="PNG")
    (response,) = ask(("POST", PREDICT, {"json": {"instances": [instance(picture)]}}))
    assert response.status_code == 200


def test_status_and_metadata_are_tensorflow_servings(ask):
    status, version, metadata = ask(
        ("GET", f"/v1/models/{NAME}", {}),
        ("GET", f"/V1/Models/{NAME}/versions/1", {}),
        ("GET", f"/v1/models/{NAME}/metadata", {}),
    )
    state = {
        "version": "1",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    assert status.json() == version.json() == {"model_version_status": [state]}
    table = metadata.json()
    assert table["model_spec"] == {"name": NAME, "signature_name": "", "version": "1"}
    signatures = table["metadata"]["signature_def"]["signature_def"]
    taken = signatures["serving_default"]["inputs"]["image_bytes"]
    assert taken["dtype"] == "DT_STRING"
    assert taken["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert signatures["serving_default"]["method_name"] == "tensorflow/serving/predict"


def test_health_and_page(ask):
    health, page = ask(("GET", "/health", {}), ("GET", "/", {}))
    assert health.json() == {"status": "ok", "model": NAME, "version": "1"}
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.replace("'", "&#39;") in page.text, "the page says the same of itself"
    assert "</script><b>hare" not in page.text, "a label must not end the script"


SERVABLE = "Servable not found for request: "


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("POST", "/v1/models/half:predict", {}, 404, SERVABLE + "Latest(half)"),
        ("POST", f"/v1/models/{NAME}/versions/7:predict", {}, 404, SERVABLE + "Specific(demo, 7)"),
        ("POST", f"/v1/models/{NAME}/labels/x:predict", {}, 400, "servable version label: x"),
        ("GET", "/v1/models/half", None, 404, "Could not find any versions of model half"),
        (
            "GET",
            f"/v1/models/{NAME}/versions/7",
            None,
            404,
            "Could not find version 7 of model demo",
        ),
        ("GET", "/v1/models/half/metadata", None, 404, SERVABLE + "Latest(half)"),
        ("GET", "/v1/models", None, 400, "Missing model name in request."),
        ("GET", f"/v1/models/{NAME}/versions/{2**63}", None, 400, "to numeric."),
        (
            "GET",
            f"/v1/models/{NAME}:predict",
            None,
            400,
            "Malformed request: GET /v1/models/demo:pre",
        ),
        ("POST", f"/v1/models/{NAME}", {}, 400, "Malformed request: POST /v1/models/demo"),
        ("POST", f"/v1/models/{NAME}:explain", {}, 400, "Malformed request: POST"),
        ("GET", "/v2/models", None, 404, "Not Found"),
        ("POST", PREDICT, {}, 400, "Missing 'inputs' or 'instances' key"),
        ("POST", PREDICT, {"signature_name": "x"}, 400, 'Serving signature name: "x" not found in'),
        ("POST", f"/v1/models/{NAME}:classify", {}, 400, "to be tensorflow/serving/classify. Was:"),
        ("POST", f"/v1/models/{NAME}:regress", {}, 400, "to be tensorflow/serving/regress. Was:"),
        ("POST", PREDICT, {"instances": [{"b64": ""}]}, 400, "picture 0 cannot be read"),
        ("POST", PREDICT, {"instances": ["text"]}, 400, "picture 0 cannot be read"),
        ("POST", PREDICT, {"inputs": {"b64": ""}}, 400, "has shape [], expected [-1]"),
        (
            "POST",
            PREDICT,
            {"signature_name": "serving_pixels", "instances": [[[[1.0]]]]},
            400,
            "input pixels has shape [1,1,1,1], expected [-1,32,32,3]",
        ),
    ],
)
def test_a_wrong_request_gets_tensorflow_servings_answer(ask, method, path, body, status, text):
    (response,) = ask((method, path, {} if body is None else {"json": body}))
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert text in response.json()["error"]


def test_a_body_above_the_limit_is_refused_with_and_without_its_length(servable):
    async def stream():
        for _ in range(100):
            yield b"x" * 100

    ask = client_of(servable, request_bytes=5000)
    declared, streamed = ask(
        ("POST", PREDICT, {"content": b"x" * 5001}), ("POST", PREDICT, {"content": stream()})
    )
    assert (declared.status_code, streamed.status_code) == (413, 413)
    assert "5,000 bytes at most" in declared.json()["error"]


def test_a_client_that_does_not_send_its_body_is_given_up(servable):
    async def stream():
        yield b"{"
        await asyncio.sleep(30)

    (response,) = client_of(servable, seconds=0.05)(("POST", PREDICT, {"content": stream()}))
    assert response.status_code == 504
    assert "Timed out" in response.json()["error"]


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_small_file_that_claims_a_huge_picture_is_refused_unread(ask):
    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", size) + png_chunk(b"IDAT", b"x")
    (response,) = ask(("POST", PREDICT, {"json": {"instances": [instance(png)]}}))
    assert response.status_code == 400
    assert "more than 200,000,000 pixels" in response.json()["error"]


def test_a_fault_of_ours_is_logged_and_not_told(servable, monkeypatch, caplog, crop):
    from tf_classification.serving import json_tensor

    def fail(*_, **__):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(json_tensor, "write", fail)
    (response,) = client_of(servable)(
        ("POST", PREDICT, {"json": {"instances": [instance(crop())]}})
    )
    assert response.status_code == 500
    assert response.json() == {"error": "the server failed; see its log"}
    assert "secret" in caplog.text
