"""Pictures of detection files by name: in memory and on the disk they are the same."""

from __future__ import annotations

import contextlib
import json
import tracemalloc

import pytest

from database_tools.core.errors import FormatError
from database_tools.detections import image_table
from database_tools.detections.image_table import ImageTable
from database_tools.formats import megadetector_json

BOX = {"category": "1", "conf": 0.7, "bbox": [0.1, 0.2, 0.3, 0.1 + 0.2]}
FIRST = [
    {"file": "b.jpg", "failure": "gone", "detections": None},
    {"file": "é.jpg", "detections": [BOX, BOX]},
    {"file": "a.jpg", "detections": [{**BOX, "classifications": [["3", 0.5]]}], "meta": "x"},
    {"file": "b.jpg", "detections": []},
    {"file": "a.jpg", "failure": "torn"},
    {"file": "c.jpg", "failure": "torn"},
    {"file": "c.jpg", "failure": "gone"},
]
SECOND = [{"file": "é.jpg", "detections": [BOX]}]


def write(path, images):
    path.write_text(json.dumps({"detection_categories": {"1": "animal"}, "images": images}))
    return path


@pytest.fixture(params=[1, 2, 1000])
def table(request, monkeypatch):
    """One that keeps every picture on the disk, some, none."""
    monkeypatch.setattr(image_table, "IN_MEMORY", request.param)
    with contextlib.closing(ImageTable()) as table:
        yield table


def test_entries_come_back_whole_by_name_and_in_order(table, tmp_path):
    table.add_file(write(tmp_path / "1.json", FIRST))
    kept = {i: megadetector_json.image(FIRST[i]) for i in (1, 2, 3, 6)}
    assert [table.find(x) for x in ("e\u0301.jpg", "./a.jpg", "b.jpg", "c.jpg")] == list(
        kept.values()
    )
    assert table.find("d.jpg") is None
    assert list(table.images()) == list(kept.values())
    assert [image.file for image in table.images(by_name=True)] == [
        *("a.jpg", "b.jpg", "c.jpg", "é.jpg"),
    ]
    assert (table.read, len(table)) == (7, 4)


def test_what_is_in_memory_does_not_grow_with_the_pictures(tmp_path):
    path = write(tmp_path / "1.json", [{**SECOND[0], "file": f"{i}.jpg"} for i in range(9_000)])
    tracemalloc.start()
    with contextlib.closing(ImageTable()) as table:
        table.add_file(path)
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (table.read, peak < 5 << 20) == (9_000, True)


def test_of_two_files_a_result_of_the_later_counts_and_comes_last(table, tmp_path):
    table.add_file(write(tmp_path / "1.json", FIRST))
    table.add_file(write(tmp_path / "2.json", SECOND))
    assert table.find("é.jpg") == megadetector_json.image(SECOND[0])
    assert [image.file for image in table.images()] == ["a.jpg", "b.jpg", "c.jpg", "é.jpg"]


def test_two_results_of_a_picture_in_one_file_are_an_error(table, tmp_path):
    images = [*FIRST, {"file": "é.jpg", "detections": [BOX]}]
    with pytest.raises(FormatError, match=r"images\[7\].*images\[1\] is the same picture"):
        table.add_file(write(tmp_path / "1.json", images))
