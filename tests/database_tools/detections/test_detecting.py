import json
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from database_tools.core.category_guard import CategoryGuard
from database_tools.core.detections import Detections, Failure
from database_tools.core.errors import UserError
from database_tools.detections import detecting, detection_files
from database_tools.detections.detecting import Picture, Source
from database_tools.detectors import precomputed


class Brightness:
    """A detector whose score is the brightness, and whose last bits depend on its batch."""

    name, categories, batch_size, fingerprint = "bright.pb", None, 4, "b1"

    def __init__(self, category="1"):
        self.category = category
        self.batches = []

    def check(self):
        pass

    def detect(self, images):
        self.batches.append([int(image[0, 0, 0]) for image in images])
        blur = np.float32(sum(float(image.mean()) for image in images)) * np.float32(1e-6)
        return [
            Detections.of_corners(
                [[0, 0, image.mean() / 255, 1]], [image.mean() / 256 + blur], [self.category]
            )
            for image in images
        ]


@pytest.fixture
def pictures(tmp_path):
    """Ten grey pictures; 3 is missing, 5 is no picture."""
    folder = tmp_path / "pictures"
    (folder / "cam").mkdir(parents=True)
    listed = []
    for i in range(10):
        listed.append(Picture(i if i % 2 else f"id{i}", f"cam/{i}.png"))
        if i == 5:
            (folder / "cam/5.png").write_text("no picture")
        elif i != 3:
            Image.new("RGB", (8, 6), (i, i, i)).save(folder / f"cam/{i}.png")
    return listed


def detect(pictures, tmp_path, detector, guard=None, stop_after=None):
    """Run a pass; return its log's results, or None if it was stopped after some groups."""
    source = Source(tmp_path / "pictures")
    with detecting.open_log(tmp_path / "out", pictures, source, detector) as log:
        sizes = []
        for size in detecting.run(pictures, source, detector, log, guard):
            sizes.append(size)
            if len(sizes) == stop_after:
                return None
        assert sum(sizes) == len(pictures)
        return list(log)


def test_every_picture_has_a_result_in_its_place(pictures, tmp_path):
    detector = Brightness()
    results = detect(pictures, tmp_path, detector)
    assert detector.batches == [[0, 1, 2], [4, 6, 7], [8, 9]]  # groups of 4, failures left out
    assert results[3] == Failure("missing")
    assert results[5] == Failure("not an image")
    assert [r.corners()[0, 2] for r in results if isinstance(r, Detections)] == [
        np.float32(i / 255) for i in (0, 1, 2, 4, 6, 7, 8, 9)
    ]


def test_second_run_detects_nothing_twice(pictures, tmp_path):
    first = Brightness()
    assert detect(pictures, tmp_path, first, stop_after=2) is None
    assert len(first.batches) == 2
    second = Brightness()
    results = detect(pictures, tmp_path, second)
    assert second.batches == [[8, 9]]
    undisturbed = detect(pictures, tmp_path, whole := Brightness())
    assert whole.batches == []
    assert [r.scores.tolist() for r in results if isinstance(r, Detections)] == [
        r.scores.tolist() for r in undisturbed if isinstance(r, Detections)
    ]


def test_group_is_computed_anew_when_its_missing_picture_is_there(pictures, tmp_path):
    detect(pictures, tmp_path, Brightness())
    Image.new("RGB", (8, 6), (3, 3, 3)).save(tmp_path / "pictures/cam/3.png")
    detector = Brightness()
    results = detect(pictures, tmp_path, detector)
    assert detector.batches == [[0, 1, 2, 3]]
    assert isinstance(results[3], Detections)
    assert results[5] == Failure("not an image")


def test_another_detector_or_list_is_another_pass(pictures, tmp_path):
    detect(pictures, tmp_path, Brightness())
    other = Brightness()
    other.fingerprint = "b2"
    detect(pictures, tmp_path, other)
    assert len(other.batches) == 3
    fewer = Brightness()
    detect(pictures[:8], tmp_path, fewer)
    assert len(fewer.batches) == 2


def test_guard_sees_what_an_earlier_run_detected(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("database_tools.core.category_guard.PICTURES", 7)
    guards = [CategoryGuard(frozenset("1"), 0, {}) for _ in range(2)]
    detect(pictures, tmp_path, Brightness("2"), guards[0], stop_after=2)
    with pytest.raises(UserError, match="--detection_category 2"):
        detect(pictures, tmp_path, Brightness("2"), guards[1])


def test_error_of_the_detector_leaves_the_whole_groups(pictures, tmp_path):
    class Breaking(Brightness):
        def detect(self, images):
            if len(self.batches) == 1:
                raise KeyboardInterrupt
            return super().detect(images)

    with pytest.raises(KeyboardInterrupt):
        detect(pictures, tmp_path, Breaking())
    second = Brightness()
    detect(pictures, tmp_path, second)
    assert len(second.batches) == 2


def test_no_picture_at_all_is_a_pass_too(tmp_path):
    assert detect([], tmp_path, Brightness()) == []


def test_both_final_files_give_the_same_detections(pictures, tmp_path):
    results = detect(pictures, tmp_path, Brightness("27"))
    detection_files.write(
        tmp_path, lambda: zip(pictures, results, strict=True), "bright.pb", Brightness.categories
    )
    pickled = precomputed.read(tmp_path / detection_files.PICKLE)
    as_json = precomputed.read(tmp_path / detection_files.JSON)
    assert as_json.name == "bright.pb"
    assert as_json.categories["27"] == "class 27"
    for picture, result in zip(pictures, results, strict=True):
        one, other = (file.find(picture.id, picture.file_name) for file in (pickled, as_json))
        if isinstance(result, Failure):
            assert one is None
            assert other == Failure(f"image access failure: {result.reason}")
            continue
        kept = result.select(result.at_least(0.005))  # pictures 0 and 1 are nearly black
        assert one.boxes.tobytes() == other.boxes.tobytes() == kept.boxes.tobytes()
        assert one.scores.tobytes() == other.scores.tobytes() == kept.scores.tobytes()
        assert one.categories == other.categories == kept.categories


# A pass that writes down what it detects, in a process of its own.
PROGRAM = """
import importlib.util, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("here", sys.argv[2])
here = importlib.util.module_from_spec(spec)
spec.loader.exec_module(here)
from database_tools.detections import detecting, detection_files

class Slow(here.Brightness):
    def detect(self, images):
        time.sleep(0.004)
        with (folder / "detected").open("a") as file:
            file.write(" ".join(str(int(image[0, 0, 0])) for image in images) + "\\n")
        return super().detect(images)

pictures = [detecting.Picture(i, f"{i}.png") for i in range(200)]
source, detector = detecting.Source(folder / "pictures"), Slow()
with detecting.open_log(folder / "out", pictures, source, detector) as log:
    print("started", flush=True)
    for _ in detecting.run(pictures, source, detector, log):
        pass
    detection_files.write(folder / "out", lambda: zip(pictures, log), "slow", None)
"""


def start(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), __file__], stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()  # imports are behind it
    return process


@pytest.mark.slow
def test_killed_at_any_moment_the_result_is_that_of_an_undisturbed_pass(tmp_path):
    source = tmp_path / "pictures"
    source.mkdir()
    for i in range(200):
        Image.new("RGB", (8, 6), (i, i, i)).save(source / f"{i}.png")
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pictures").symlink_to(source)
    assert start(tmp_path / "whole").wait() == 0
    moments = np.random.default_rng(0).uniform(0, 0.12, 60)
    kills = 0
    for moment in moments:
        process = start(tmp_path / "killed")
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        if process.wait() == 0:
            break
        kills += 1
    else:
        assert start(tmp_path / "killed").wait() == 0
    assert kills > 2
    for name in (detection_files.PICKLE, detection_files.JSON):
        whole, killed = ((tmp_path / n / "out" / name).read_bytes() for n in ("whole", "killed"))
        assert whole == killed
    assert len(pickle.loads((tmp_path / "killed/out/detections_final.pkl").read_bytes())) == 200
    table = json.loads((tmp_path / "killed/out/detections_final.json").read_text())
    assert len(table["images"]) == 200
    groups = (tmp_path / "killed/detected").read_text().splitlines()
    assert len(set(groups)) == 50  # 200 pictures in groups of 4, always the same ones
    assert len(groups) <= 50 + kills  # each kill loses one group at most
