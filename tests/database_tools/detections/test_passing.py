import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import unicodedata

import numpy as np
import pytest
from PIL import Image

from database_tools.core import reasons
from database_tools.core.category_guard import CategoryGuard
from database_tools.core.detections import Detections, Failure
from database_tools.core.errors import UserError
from database_tools.detections import detection_files, passing, store
from database_tools.detections.detection_files import Picture
from database_tools.detections.passing import Source
from database_tools.detectors import precomputed

NAMES = [f"cam/{i}.png" for i in range(10)]


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


def grey(path, level):
    Image.new("RGB", (8, 6), (level, level, level)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Ten grey pictures; 3 is missing, 5 is no picture."""
    folder = tmp_path / "pictures"
    (folder / "cam").mkdir(parents=True)
    for i in range(10):
        grey(folder / NAMES[i], i)
    (folder / NAMES[3]).unlink()
    (folder / NAMES[5]).write_text("no picture")
    return folder


def detect(folder, names=NAMES, guard=None, stop_after=None, detector=None):
    """Run a pass; return (batches, results), or no results if it was stopped after some groups."""
    detector = detector or Brightness()
    with store.open(folder.parent / "store", detector.fingerprint) as kept:
        work = passing.plan(names, Source(folder), kept, detector.batch_size)
        sizes = []
        for size in passing.run(work, detector, guard):
            sizes.append(size)
            if len(sizes) == stop_after:
                return detector.batches, None
        assert sum(sizes) == work.missing
        return detector.batches, list(work)


def scores(results):
    return [None if isinstance(r, Failure) else r.scores.tolist() for r in results]


def test_every_picture_has_a_result_in_its_place(folder):
    batches, results = detect(folder)
    assert batches == [[0, 1, 2], [4, 6, 7], [8, 9]]  # groups of 4, failures left out
    assert results[3] == Failure("missing")
    assert results[5] == Failure("not an image")
    assert [r.corners()[0, 2] for r in results if isinstance(r, Detections)] == [
        np.float32(i / 255) for i in (0, 1, 2, 4, 6, 7, 8, 9)
    ]


def test_second_run_detects_nothing_twice_and_grows_nothing(folder):
    assert detect(folder, stop_after=2)[0] == [[0, 1, 2], [4, 6, 7]]
    batches, results = detect(folder)
    assert batches == [[8, 9]]
    [log] = (folder.parent / "store").glob("*.log")
    before = log.read_bytes()
    batches, again = detect(folder)
    assert batches == []
    assert log.read_bytes() == before
    assert scores(again) == scores(results)


def test_planned_groups_stay_although_the_list_has_grown_in_the_meantime(folder):
    whole = scores(detect(folder)[1])
    shutil.rmtree(folder.parent / "store")
    detect(folder, stop_after=1)
    for name in ("a.png", "b.png"):
        grey(folder / name, 40)
    batches, results = detect(folder, ["a.png", *NAMES, "b.png"])
    assert batches == [[40, 40], [4, 6, 7], [8, 9]]
    assert scores(results)[1:-1] == whole


def test_planned_groups_that_lost_a_member_are_formed_anew(folder):
    detect(folder, stop_after=1)
    batches, _ = detect(folder, [name for name in NAMES if "6" not in name])
    assert batches == [[4, 7], [8, 9]]
    assert detect(folder)[0] == [[6]]


def test_a_longer_list_detects_what_is_new_and_a_shorter_one_nothing(folder):
    whole = detect(folder)[1]
    grey(folder / "new.png", 77)
    assert detect(folder, [NAMES[9], "new.png", NAMES[0]])[0] == [[77]]
    assert detect(folder, NAMES[2:4])[0] == []
    fresh, results = detect(folder, ["new.png", *NAMES])
    assert fresh == []
    assert scores(results[1:]) == scores(whole)


def test_a_store_that_grew_differs_from_a_fresh_one_in_the_last_bits_only(folder):
    detect(folder, NAMES[1::2])
    grown = scores(detect(folder)[1])
    shutil.rmtree(folder.parent / "store")
    fresh = scores(detect(folder)[1])
    assert grown != fresh
    for one, other in zip(grown, fresh, strict=True):
        assert one is other is None or abs(one[0] - other[0]) <= 1e-5 * len(NAMES)


def test_another_folder_with_copies_detects_nothing(folder):
    whole = detect(folder)[1]
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)  # times are not copied
    for i, path in enumerate(copy.rglob("*.png")):
        os.utime(path, (i, i))
    batches, results = detect(copy)
    assert batches == []
    assert scores(results) == scores(whole)
    [log] = (folder.parent / "store").glob("*.log")
    before = log.read_bytes()
    assert detect(copy)[0] == []
    assert log.read_bytes() == before  # the new times were noted: no digest is needed twice


@pytest.mark.parametrize("same_time", [False, True])
def test_a_file_that_has_changed_is_detected_again(folder, same_time):
    detect(folder)
    path = folder / NAMES[7]
    before = path.stat()
    grey(path, 200)  # a file of the same size: its one colour is compressed alike
    assert path.stat().st_size == before.st_size
    if same_time:
        path.write_bytes(path.read_bytes() + b"x")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    batches, results = detect(folder)
    assert batches == [[200]]
    assert results[7].corners()[0, 2] == np.float32(200 / 255)


def test_what_was_found_is_kept_while_the_drive_is_away(folder):
    whole = detect(folder)[1]
    folder.rename(folder.parent / "away")
    batches, results = detect(folder)
    assert batches == []
    assert scores(results) == scores(whole)
    (folder.parent / "away").rename(folder)
    assert detect(folder)[0] == []


def test_a_missing_picture_is_detected_when_it_is_there(folder):
    before = detect(folder)[1]
    grey(folder / NAMES[3], 3)
    (folder / NAMES[5]).write_bytes(b"")
    batches, results = detect(folder)
    assert batches == [[3]]
    assert isinstance(results[3], Detections)
    assert results[5] == Failure("empty")  # the reason of today
    assert scores(results)[6:] == scores(before)[6:]


def test_another_detector_is_another_store(folder):
    detect(folder)
    other = Brightness()
    other.fingerprint = "b2"
    assert len(detect(folder, detector=other)[0]) == 3


def test_guard_sees_what_an_earlier_run_detected(folder, monkeypatch):
    monkeypatch.setattr("database_tools.core.category_guard.PICTURES", 7)
    guards = [CategoryGuard(frozenset("1"), 0, {}) for _ in range(2)]
    detect(folder, guard=guards[0], stop_after=2, detector=Brightness("2"))
    with pytest.raises(UserError, match="--detection_category 2"):
        detect(folder, guard=guards[1], detector=Brightness("2"))


def test_error_of_the_detector_leaves_the_whole_groups(folder):
    class Breaking(Brightness):
        def detect(self, images):
            if len(self.batches) == 1:
                raise KeyboardInterrupt
            return super().detect(images)

    with pytest.raises(KeyboardInterrupt):
        detect(folder, detector=Breaking())
    assert len(detect(folder)[0]) == 2


class NotFinite(Brightness):
    def __init__(self, broken):
        super().__init__()
        self.broken = broken

    def detect(self, images):
        found = super().detect(images)
        levels = self.batches[-1]
        pairs = zip(found, levels, strict=True)
        return [Failure(reasons.NOT_FINITE) if n in self.broken else one for one, n in pairs]


def test_numbers_that_are_not_finite_are_a_failure_of_their_picture(folder):
    results = detect(folder, detector=NotFinite({6}))[1]
    assert results[6] == Failure("detections that are not finite numbers")
    assert scores(results).count(None) == 3


def test_failures_that_repeat_do_not_let_the_store_grow(folder):
    (folder / NAMES[4]).write_bytes(b"no picture any more")
    detector = NotFinite({6, 7})
    first, kept = detect(folder, detector=detector)[1], folder.parent / "store"
    sizes = []
    for _ in range(3):
        batches, results = detect(folder, detector=NotFinite({6, 7}))
        assert batches == [[6, 7]]  # tried again
        assert scores(results) == scores(first)
        sizes.append([path.stat().st_size for path in kept.glob("*.log")])
    assert sizes[0] == sizes[1] == sizes[2]  # the first wrote down what it was going to do
    assert None not in scores(detect(folder)[1])[6:8]


def test_a_log_of_an_older_version_is_told_and_stays(folder, caplog):
    kept = folder.parent / "store"
    kept.mkdir()
    (kept / "detections_0123456789ab.log").write_bytes(b"detlog1\nold")
    detect(folder)
    assert caplog.text.count("detections_0123456789ab.log: is of another version") == 1
    assert (kept / "detections_0123456789ab.log").read_bytes() == b"detlog1\nold"


def test_a_detector_that_gives_no_number_at_all_is_an_error(folder):
    for _ in range(2):  # of the next run too
        with pytest.raises(UserError, match=r"bright.pb: gives NaN or infinity for every picture"):
            detect(folder, detector=NotFinite(set(range(10))))


def test_a_detector_without_numbers_is_not_asked_for_a_million(folder, monkeypatch):
    monkeypatch.setattr("database_tools.detections.passing._TRIED", 5)
    detector = NotFinite(set(range(10)))
    with pytest.raises(UserError, match="6 so far"):
        detect(folder, detector=detector)
    assert len(detector.batches) == 2


def test_a_picture_is_known_by_its_file_in_whatever_unicode_form_the_disk_has_it(folder):
    nfc, nfd = (unicodedata.normalize(form, "cam/é.png") for form in ("NFC", "NFD"))
    grey(folder / nfd, 50)
    source = Source(folder)
    assert source.file(nfc) == source.file(nfd) != passing.NO_FILE
    assert source.content(nfc) == source.content(nfd) != passing.NO_FILE.content
    assert detect(folder, [nfc])[0] == [[50]]
    assert detect(folder, [nfc])[0] == []


def test_no_picture_at_all_is_a_pass_too(folder):
    assert detect(folder, []) == ([], [])


def test_a_picture_that_is_listed_twice_has_its_result_twice(folder):
    results = detect(folder, [NAMES[1], NAMES[2], NAMES[1]])[1]
    assert results[0].corners()[0, 2] == results[2].corners()[0, 2] == np.float32(1 / 255)


def test_groups_may_be_written_down_in_any_order(folder):
    whole = detect(folder)[1]
    shutil.rmtree(folder.parent / "store")
    source = Source(folder)
    with store.open(folder.parent / "store", "b1") as kept:
        work = passing.plan(NAMES, source, kept, Brightness.batch_size)
        names = [[NAMES[i] for i in work.members(group)] for group in work.groups]
        results = list(passing.computed(Brightness(), source, names))
        for group in reversed(work.groups):
            work.commit(group, *results[group])
        assert scores(work) == scores(whole)
    assert detect(folder)[0] == []


def test_both_final_files_give_the_same_detections(folder):
    results = detect(folder, detector=Brightness("27"))[1]
    pictures = [Picture(i if i % 2 else f"id{i}", name) for i, name in enumerate(NAMES)]
    detection_files.write(
        folder, lambda: zip(pictures, results, strict=True), "bright.pb", Brightness.categories
    )
    pickled = precomputed.read(folder / detection_files.PICKLE)
    as_json = precomputed.read(folder / detection_files.JSON)
    assert as_json.name == "bright.pb"
    assert as_json.categories["27"] == "class 27"
    for picture, result in zip(pictures, results, strict=True):
        one, other = (file.find(picture.id, picture.file_name) for file in (pickled, as_json))
        if isinstance(result, Failure):
            assert one is None
            assert other == result
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
from database_tools.detections import detection_files, passing, store

class Slow(here.Brightness):
    def detect(self, images):
        time.sleep(0.004)
        with (folder / "detected").open("a") as file:
            file.write(" ".join(str(int(image[0, 0, 0])) for image in images) + "\\n")
        return super().detect(images)

pictures = [detection_files.Picture(i, f"{i}.png") for i in range(200)]
source, detector = passing.Source(folder / "pictures"), Slow()
with store.open(folder / "out", detector.fingerprint) as kept:
    print("started", flush=True)
    work = passing.plan([p.file_name for p in pictures], source, kept, detector.batch_size)
    for _ in passing.run(work, detector):
        pass
    detection_files.write(folder / "out", lambda: zip(pictures, work), "slow", None)
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
    moments = np.random.default_rng(0).uniform(0, 0.12, 20)
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
    assert kills
    for name in (detection_files.PICKLE, detection_files.JSON):
        whole, killed = ((tmp_path / n / "out" / name).read_bytes() for n in ("whole", "killed"))
        assert whole == killed
    assert len(pickle.loads((tmp_path / "killed/out/detections_final.pkl").read_bytes())) == 200
    table = json.loads((tmp_path / "killed/out/detections_final.json").read_text())
    assert len(table["images"]) == 200
    groups = (tmp_path / "killed/detected").read_text().splitlines()
    assert len(set(groups)) == 50  # 200 pictures in groups of 4, always the same ones
    assert len(groups) <= 50 + kills  # each kill loses one group at most
