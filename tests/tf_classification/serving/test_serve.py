"""The server as a process: it starts, answers, shows its page, and stops as it was asked."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
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
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["predictions"][0]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.log += self.process.communicate(timeout=60)[1]
        return self.process.returncode


@pytest.fixture(scope="module")
def running(served_bundle):
    process = Process(served_bundle)
    yield process
    process.stop()


@pytest.mark.slow
def test_a_request_is_answered_on_loopback(running, crop):
    answer = running.ask(crop())
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert running.url.startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_a_bundle_is_served_from_a_folder_that_looks_like_a_pattern(
    running, served_bundle, crop, tmp_path
):
    shutil.copytree(served_bundle.base, tmp_path / "model[1]")
    process = Process(bundle.read(tmp_path / "model[1]"))
    assert process.ask(crop()) == running.ask(crop())
    assert process.stop() == 0


@pytest.mark.slow
def test_a_crop_dropped_on_the_page_is_classified(running, crop, browser, tmp_path):
    best = running.ask(crop(seed=3))["top_classes"][0]
    data = base64.b64encode(crop(seed=3)).decode()
    drop = """((data, type) => {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], "crop.jpg", { type }));
        document.dispatchEvent(new DragEvent("drop",
            { dataTransfer: transfer, bubbles: true, cancelable: true }));
    })(%s, "image/jpeg")"""
    message = 'document.getElementById("message").textContent'
    browser.open(running.url + "/")
    browser.wait('document.readyState === "complete" && typeof model === "object"')
    browser.evaluate(drop % json.dumps(data))
    assert browser.wait(f"/\\(\\d+ ms\\)/.test({message}) && {message}").startswith(
        f"crop.jpg: {best}"
    )
    names = '[...document.querySelectorAll("#bars li .row span:first-child")]'
    shown = browser.evaluate(f"{names}.map((span) => span.textContent.replace(' ✓', ''))")
    assert shown[0] == best
    assert len(shown) == 5
    assert browser.evaluate('document.getElementById("picture").naturalWidth') == 40
    assert browser.evaluate('document.querySelectorAll("b").length') == 0  # labels are text
    browser.screenshot(tmp_path / "page.png")
    browser.evaluate(drop % json.dumps(base64.b64encode(b"no picture").decode()))
    browser.wait(f'{message}.includes("cannot be read")')


@pytest.mark.slow
def test_it_stops_after_it_has_answered_what_is_under_way(served_bundle, crop):
    process = Process(served_bundle, "--batch-size", "1", "--in-flight", "1")
    body = {"instances": [{"image_bytes": {"b64": base64.b64encode(crop(900, 900)).decode()}}] * 40}
    answers = []

    def ask():
        request = urllib.request.Request(process.predict, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as response:
            answers.append(len(json.load(response)["predictions"]))

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.3)
    assert process.stop() == 0
    thread.join(60)
    assert answers == [40]
    assert "stopped" in process.log


@pytest.mark.slow
def test_interrupting_it_is_a_way_to_stop(served_bundle):
    assert Process(served_bundle).stop(signal.SIGINT) == 0


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
