"""The server as a process: it starts, answers, shows its page, and stops as it was asked."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tf_classification import serve
from tf_classification.models import bundle

pytest.importorskip("uvicorn", reason="extra [serve] is not installed")
pytest.importorskip("orjson", reason="extra [serve] is not installed")

ROOT = Path(__file__).parents[3]


class Process:
    """``serve.py`` on a free port."""

    def __init__(self, served, *flags):
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tf_classification.serve", served.base, "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *flags], stderr=subprocess.PIPE, text=True, env=environment
        )
        self.log = ""
        for line in self.process.stderr:
            self.log += line
            if match := re.search(r"listening on (http://127\.0\.0\.1:\d+)(\S+)", line):
                self.url, self.predict = match[1], match[1] + match[2]
                break
        else:
            raise AssertionError(self.log)

    def ask(self, data):
        body = {"instances": [{"image_bytes": {"b64": base64.b64encode(data).decode()}}]}
        request = urllib.request.Request(self.predict, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=300) as response:
            return json.load(response)["predictions"][0]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.log += self.process.communicate(timeout=300)[1]
        return self.process.returncode


@pytest.fixture(scope="module")
def running(served_bundle, tmp_path_factory):
    """A server of a bundle in a folder that looks like a pattern, which Ctrl-C ends."""
    folder = tmp_path_factory.mktemp("served") / "model[1]"
    shutil.copytree(served_bundle.base, folder)
    process = Process(bundle.read(folder))
    yield process
    assert process.stop(signal.SIGINT) == 0


@pytest.mark.slow
def test_a_request_is_answered_on_loopback(running, crop):
    answer = running.ask(crop())
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert running.url.startswith("http://127.0.0.1:")


DROP = """((files) => {
    const transfer = new DataTransfer();
    for (const [name, data] of files) {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        transfer.items.add(new File([bytes], name));
    }
    document.dispatchEvent(new DragEvent("drop",
        { dataTransfer: transfer, bubbles: true, cancelable: true }));
})(%s)"""


def drop(browser, files):
    """Drop files by name, wait for the answers; return for each what the page says of it."""
    browser.evaluate(DROP % json.dumps([(n, base64.b64encode(d).decode()) for n, d in files]))
    browser.wait("document.getElementById('message').textContent.includes(' refused')")
    words = "[...document.querySelectorAll('article')].map((x) => x.innerText)"
    return browser.evaluate(words)[: len(files)]


@pytest.mark.slow
def test_crops_dropped_on_the_page_are_answered_and_the_unsure_are_said_to_be(
    running, crop, browser
):
    crops = [crop(seed=seed) for seed in range(8)]
    browser.open(running.url + "/")
    said = drop(browser, [(f"{i}.jpg", data) for i, data in enumerate(crops)])
    answers = [running.ask(data) for data in crops]
    sure = [answer["top_probabilities"][0] >= 0.9 for answer in answers]
    assert set(sure) == {True, False}
    for i, (words, answer) in enumerate(zip(said, answers, strict=True)):
        label, share = answer["top_classes"][0], answer["top_probabilities"][0]
        assert words.startswith(f"{i}.jpg\n")
        verdict = f"{label} ✓" if sure[i] else "unsure: have a look"
        assert verdict in words
        assert f"{label}\n{100 * share:.1f} %" in words
        assert "whole picture" not in words
    assert browser.evaluate("document.querySelectorAll('article b b').length") == 0  # labels: text
    message = browser.evaluate("document.getElementById('message').textContent")
    assert message == f"8 classified, of which {sure.count(False)} want a look; 0 refused"


@pytest.mark.slow
def test_the_page_says_why_a_file_is_refused_and_asks_about_whole_pictures(running, crop, browser):
    browser.open(running.url + "/")
    files = [
        ("notes.txt", "Ein Bär, 野猪".encode()),
        ("none.jpg", b"\xff\xd8\xff\x00"),
        ("large.jpg", crop(101, 100)),
        ("wide.jpg", crop(60, 80)),
        ("usual.jpg", crop(80, 100)),
    ]
    text, broken, large, wide, usual = drop(browser, files)
    assert "it is a text, not a picture" in text
    assert "it is no picture, or damaged" in broken
    assert "This is 100 × 101 pixels. Is it a whole picture?" in large
    assert "of 100 pixels at most" in large
    assert "whose width is 0.8 to 1.25 times their height" in wide
    assert "whole picture" not in usual
    message = browser.evaluate("document.getElementById('message').textContent")
    assert message.startswith("3 classified, ")
    assert message.endswith("; 2 refused")


@pytest.mark.slow
def test_it_stops_after_it_has_answered_what_is_under_way(served_bundle, crop):
    process = Process(served_bundle, "--batch-size", "1", "--in-flight", "1")
    instance = {"image_bytes": {"b64": base64.b64encode(crop(900, 900)).decode()}}
    body = json.dumps({"instances": [instance] * 40}).encode()
    connection = http.client.HTTPConnection(process.url.removeprefix("http://"), timeout=300)
    with contextlib.closing(connection):
        connection.putrequest("POST", process.predict.removeprefix(process.url))
        connection.putheader("Content-Length", len(body))
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        assert connection.sock.recv(100).startswith(b"HTTP/1.1 100 ")  # it is under way
        connection.send(body)
        assert process.stop() == 0
        assert len(json.load(connection.getresponse())["predictions"]) == 40
    assert "stopped" in process.log


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--port", "70000"], "--port must be in [0, 65535], got 70000"),
        (["--batch-size", "0"], "--batch-size must be above 0, got 0"),
        (["--model-name", "a/b"], "--model-name may have no / and no :, got 'a/b'"),
        (["--host", "no.such.host.invalid"], "--host no.such.host.invalid: "),
    ],
)
def test_a_wrong_flag_is_said_in_one_line(served_bundle, capsys, flags, message):
    assert serve.main([str(served_bundle.base), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_port_in_use_is_said_before_the_model_is_loaded(served_bundle, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert serve.main([str(served_bundle.base), "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1:{port}: it is in use" in capsys.readouterr().err


def test_what_is_no_bundle_is_refused(tmp_path, capsys):
    assert serve.main([str(tmp_path)]) == 2
    assert "is not a model bundle" in capsys.readouterr().err
