"""Whole inputs of any kind: a dataset with a ledger that adds up, or status 2 with one line."""

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from PIL import Image

from database_tools import cropped_camera_trap_dataset_statistics as statistics
from database_tools import make_classification_dataset
from database_tools.cli import chatter
from database_tools.durable import disk

PROGRAM = "make_classification_dataset.py"


def encoded(kind, size=(12, 9), **options):
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(content, kind, **options)
    return content.getvalue()


JPEG = encoded("JPEG")
CONTENTS = {
    "jpeg": JPEG,
    "png": encoded("PNG"),
    "gif": encoded("GIF"),
    "webp": encoded("WEBP"),
    "a row": encoded("JPEG", (1, 300)),
    "empty": b"",
    "text": b"no picture",
    "half": JPEG[: len(JPEG) // 2],
    "header": JPEG[:20],
    "zeros": bytes(50),
    "magic": b"\x89PNG",
}
GOOD, PLACES = [*CONTENTS][:5], ["folder", "fifo", "link", "loop", "none"]

signs = st.characters(exclude_categories=())  # halves of surrogate pairs too
words = st.text(signs, max_size=6)
names = st.one_of(
    st.sampled_from(
        [
            *("a.jpg", "a_0.jpg", "a_1.jpg", "a__0.jpg", "A.JPG", "a_0.jpg/b.jpg", "b/a.jpg"),
            *("./b//a.jpg", "b\\a.jpg", "a.png", "a.webp", "../a.jpg", "/a.jpg", "X:/a.jpg"),
            *("X:a.jpg", ".", "aux.jpg", "con", "con.", "train-00000", ".build/folder.json"),
            *(".a.tmp", "train.json", "caf\u00e9.jpg", "cafe\u0301.jpg", "caf\udce9.jpg"),
            *("\ud83e.jpg", "a___crop00_mdv4.1.jpg"),
        ]
    ),
    st.sampled_from(
        ["", " ", "a\nb.jpg", "a\0.jpg", "e" * 251 + ".jpg", "é" * 126 + ".jpg", "b/" * 3000]
    ),
    words,
    words.map(lambda word: f"{word}.jpg"),
)
numbers = st.one_of(
    st.sampled_from([0, 1, 0.5, 0.25, 0.1, 0.9, -1, 2, 90, 1e308, -1e308, 1e-308, 2**63, 5, True]),
    st.floats(),
    st.integers(0, 3),
)
odd = st.one_of(
    st.sampled_from([None, "", " ", "\t", [], {}, [1], {"a": 1}, "@deep", "@digits", True]),
    numbers,
    words,
)
often = st.sampled_from([True] * 24 + [False])


@st.composite
def mostly(draw, usual, strange=odd):
    """The usual thing, now and then a strange one."""
    return draw(usual if draw(often) else strange)


ids = st.one_of(st.integers(0, 6), st.integers(0, 6).map(str))
categories = st.one_of(
    st.sampled_from(
        ["fox", "Fox", "fox ", "Fox:red?", "aux", "train-00000", "bird/duck", "..", "\ud800"]
    ),
    names,
)


@st.composite
def whole_inputs(draw):
    """Annotations, detections, picture files and flags."""
    wild = draw(st.sampled_from([False, False, True]))

    def perhaps(usual, strange=odd):
        """What no table may have, in wild inputs only."""
        return draw(mostly(usual, strange) if wild else usual)

    files = [perhaps(st.just(name)) for name in draw(st.lists(names, max_size=6, unique=not wild))]
    files.append("sure.jpg")
    one_type = draw(st.sampled_from([str, int]))
    images = [
        {
            "id": perhaps(st.just(one_type(i)), ids),
            "file_name": file,
            "location": perhaps(st.sampled_from(["A", "B", "C", 1, 2, "", " ", None])),
            **draw(st.sampled_from([{}, {}, {"seq_id": "s"}, {"width": 3, "height": "x"}])),
        }
        for i, file in enumerate(files)
    ]
    plain = categories if wild else categories.filter(lambda name: name.strip())
    named = draw(st.lists(plain, min_size=1, max_size=4, unique=True))
    listed = [
        {"id": perhaps(st.just(i), ids), "name": perhaps(st.just(name))}
        for i, name in enumerate(named)
    ]
    labels = [
        {"id": i, "image_id": perhaps(st.just(image["id"])), "category_id": label}
        for i, image in enumerate(images)
        for label in [perhaps(st.integers(0, len(named) - 1))]
        if draw(often)
    ]
    table = {"images": images, "categories": listed, "annotations": labels}
    box = st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.4]), min_size=4, max_size=4)
    boxes = st.lists(
        st.fixed_dictionaries(
            {
                "category": mostly(st.sampled_from("1111123"), odd if wild else st.just("3")),
                "conf": mostly(
                    st.sampled_from([0.9, 0.9, 0.5, 0.3, 1]), numbers if wild else st.just(0)
                ),
                "bbox": mostly(box, st.lists(numbers, min_size=4, max_size=4) if wild else box),
            }
        ),
        min_size=1,
        max_size=3,
    )
    entries = [
        perhaps(st.just({"file": file, "detections": draw(boxes)}), failures(file))
        for file in files
        if draw(often)
    ]
    found = {
        "info": {"format_version": "1.3"},
        "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
        "images": entries,
    }
    content = st.sampled_from([*CONTENTS, *PLACES])
    pictures = [draw(mostly(st.sampled_from(GOOD), content)) for _ in files]
    if not wild:
        sure = {"category": "1", "conf": 0.9, "bbox": [0.25, 0.25, 0.5, 0.5]}
        entries = [e for e in entries if e["file"] != files[-1]]
        entries.append({"file": files[-1], "detections": [sure]})
    flags = draw(
        st.lists(
            st.sampled_from(
                [
                    ("--multiple_detections", "all"),
                    ("--test_fraction", "0.5"),
                    ("--missing_location", "error"),
                    ("--missing_location", "drop"),
                    ("--detection_threshold", "0.4"),
                    ("--detection_category", "any"),
                    ("--ims_per_record", "2"),
                    ("--padding_factor", "1e300"),
                    ("--exclude_categories", named[0]),
                    ("--max_pixels", "200"),
                    ("--strict",),
                ]
            ),
            max_size=4,
            unique=True,
        )
    )
    outputs = draw(st.sampled_from(["both", "both", "one", "c", "t"]))
    changes = [perhaps(st.none(), st.sampled_from(CHANGES)) for _ in range(2)]
    return table, found, list(zip(files, pictures, strict=True)), flags, outputs, changes


def failures(file):
    return st.sampled_from(
        [{"file": file, "failure": "image"}, {"file": file}, {"file": file, "detections": None}, 7]
    )


CHANGES = [
    lambda text: "",
    lambda text: text[: len(text) // 2],
    lambda text: f"[{text}]",
    lambda text: "[" * 100_000,
    lambda text: text.replace('"images"', '"pictures"'),
    lambda text: text.replace("[", "{", 1),
    lambda text: "\ufeff" + text,
]


def lay_out(folder, table, found, pictures, changes):
    """Write the input; pictures whose names no disk takes are not there."""
    images = folder / "images"
    images.mkdir()
    for name, content in pictures:
        with contextlib.suppress(OSError, ValueError, TypeError):
            path = images / str(name).replace("\\", "/")
            if ".." in path.parts or not path.is_relative_to(images):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if content in CONTENTS:
                path.write_bytes(CONTENTS[content])
            elif content == "folder":
                path.mkdir()
            elif content == "fifo":
                os.mkfifo(path)
            elif content == "link":
                path.symlink_to(folder / "nowhere")
            elif content == "loop":
                path.symlink_to(path)
    for file, value, change in zip(("cct", "md"), (table, found), changes, strict=True):
        text = json.dumps(value).replace('"@deep"', "[" * 50_000 + "]" * 50_000)
        text = text.replace('"@digits"', "1" * 5000)
        text = text if change is None else change(text)
        (folder / f"{file}.json").write_text(text, encoding="utf-8")


def run(words):
    """Run the command; return its status and what it said."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = make_classification_dataset.main(words)
    return status, said.buffer.getvalue().decode().splitlines()


def check(folder, status, said, number):
    assert status in (0, 2), said
    errors = [line for line in said if line.startswith(f"{PROGRAM}: error: ")]
    assert not any("Traceback" in line for line in said)
    if status == 2:
        assert errors == said[-1:]
        return
    assert errors == []
    [path] = folder.rglob(f"{PROGRAM[:-3]}_ledger.json")
    ledger = json.loads(path.read_text(encoding="utf-8"))
    assert ledger["total"] == number
    assert ledger["total"] == ledger["kept"] + sum(map(len, ledger["dropped"].values()))
    assert ledger["kept"] <= ledger["made"]
    infos = [json.loads(p.read_text(encoding="utf-8")) for p in folder.rglob("dataset_info.json")]
    for info in infos:
        assert sum(sum(counts.values()) for counts in info["counts"].values()) == ledger["made"]
    for split in folder.rglob("t*.json"):
        if split.parent == path.parent and split.name in ("train.json", "test.json"):
            for image in json.loads(split.read_text(encoding="utf-8"))["images"]:
                assert (split.parent / image["file_name"]).is_file()


@pytest.fixture
def quick_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(disk, "_sync_file_system", lambda folder: True)
    monkeypatch.setattr(chatter, "kept_back", contextlib.nullcontext)  # it starts a process


def test_names_that_are_no_text_go_through_both_outputs_preview_and_statistics(tmp_path):
    """A lone surrogate in a category, a place and a picture: nothing of a build stumbles."""
    odd, files = "fox\ud83e", ["caf\udce9.jpg", "b.jpg"]
    table = {
        "categories": [{"id": 0, "name": odd}],
        "images": [{"id": i, "file_name": f, "location": f"{odd}{i}"} for i, f in enumerate(files)],
        "annotations": [{"id": i, "image_id": i, "category_id": 0} for i in range(2)],
    }
    sure = {"category": "1", "conf": 0.9, "bbox": [0.25, 0.25, 0.5, 0.5]}
    found = {
        "info": {"format_version": "1.3"},
        "detection_categories": {"1": "animal"},
        "images": [{"file": file, "detections": [sure]} for file in files],
    }
    lay_out(tmp_path, table, found, [(file, "jpeg") for file in files], [None, None])
    words = [str(tmp_path / "cct.json"), str(tmp_path / "images"), "-"]
    words += ["--use_detection_file", str(tmp_path / "md.json"), "--test_fraction", "0.5"]
    words += ["--coco_style_output", str(tmp_path / "c"), "--tfrecords_output", str(tmp_path / "t")]
    status, said = run(words)
    assert status == 0, said
    check(tmp_path / "c", status, said, 2)
    assert "fox" in (tmp_path / "c" / "preview.html").read_text(encoding="utf-8")
    splits = [str(tmp_path / "c" / name) for name in ("train.json", "test.json")]
    for more in ([], ["--classlist_output", str(tmp_path / "classlist.txt")]):
        assert statistics.main([str(tmp_path / "cct.json"), *splits, *more]) == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="makes files that only others have")
@settings(
    max_examples=int(os.environ.get("FUZZ_INPUTS", "2000")),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(whole_inputs())
def test_any_input_gives_a_dataset_or_one_line(quick_disk, given_input):
    table, found, pictures, flags, outputs, changes = given_input
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, table, found, pictures, changes)
        words = [str(folder / "cct.json"), str(folder / "images"), "-", "--workers", "1"]
        words += ["--use_detection_file", str(folder / "md.json")]
        out = folder / "out"
        if outputs != "t":
            words += ["--coco_style_output", str(out / "c")]
        if outputs != "c":
            words += ["--tfrecords_output", str(out / ("c" if outputs == "one" else "t"))]
        words += ["--test_fraction", "0", "--missing_location", "each"]
        words += [word for flag in flags for word in flag]
        status, said = run(words)
        check(out, status, said, len(table["images"]))
        event(f"status {status}")
        again, repeated = run(words)
        assert again == status, repeated
        if status == 0:
            assert repeated[-1].startswith("nothing to do")
