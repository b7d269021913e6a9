"""Power fails at any moment: what is not on the disk by then is gone, or zeros, or there anyway.

A shim notes what was synced.  A cut rebuilds the tree from that alone, with a random share of
what was on its way, and the next run goes on from there.
"""

import os
import random
import shutil
import sys
from pathlib import Path

import pytest

from database_tools import detectors, make_classification_dataset
from database_tools.core.detections import Detections
from database_tools.datasets import dataset_writer
from database_tools.durable import disk


class PowerCut(BaseException):
    """Not an Exception: nothing may catch it."""


class Disk:
    """What a power cut would leave of a folder; files are known by inode, kept open for it."""

    def __init__(self, root, rng, events):
        self.root, self.rng, self.left = root, rng, events
        self.contents = {}
        self.names = {}
        self.open = []
        self.after = root.with_name("after")

    def synced(self, path):
        """Note that a file's content, or a folder's names, are on the disk."""
        info = path.lstat()
        if path.is_dir():
            self.names[info.st_ino] = {p.name: p.lstat().st_ino for p in path.iterdir()}
        elif path.is_file():
            if info.st_ino not in self.contents:
                self.open.append(path.open("rb"))  # or the system gives its inode to another
            self.contents[info.st_ino] = path.read_bytes()

    def everything_synced(self):
        for path in [self.root, *self.root.rglob("*")]:
            self.synced(path)

    def event(self):
        """Cut the power when its time has come."""
        self.left -= 1
        if self.left == 0:
            shutil.rmtree(self.after, ignore_errors=True)
            self.after.mkdir()
            self.rebuild(self.root, self.after)
            raise PowerCut

    def rebuild(self, old, new):
        """Make ``new`` what is left of the folder ``old``."""
        lasting = self.names.get(old.lstat().st_ino, {})
        now = {path.name: path.lstat().st_ino for path in old.iterdir()}
        # a rename is either there or not, so a folder is taken as it was or as it is
        chosen = now if self.rng.random() < 0.5 else lasting
        inodes = {path.lstat().st_ino: path for path in [old, *self.root.rglob("*")]}
        for name, inode in chosen.items():
            path = inodes.get(inode)
            if path is not None and path.is_dir():
                (new / name).mkdir()
                self.rebuild(path, new / name)
            elif (content := self.content(inode, path)) is not None:
                (new / name).write_bytes(content)

    def content(self, inode, path):
        """What is left of a file: what was synced, and behind it anything, or nothing at all."""
        safe = self.contents.get(inode)
        current = path.read_bytes() if path is not None else None
        if safe is None:
            if current is None:
                return None
            return self.rng.choice([b"", bytes(len(current)), current])
        if current is None or not current.startswith(safe):
            return safe
        tail = current[len(safe) :]
        return safe + self.rng.choice([b"", bytes(len(tail)), tail])


def run_with_cut(words, out, monkeypatch, rng, events):
    """Run a build on a disk whose power fails after so many syncs; say whether it did."""
    shelf = Disk(out, rng, events)
    out.mkdir(exist_ok=True)
    shelf.everything_synced()
    all_at_once = rng.random() < 0.5

    def fsync(descriptor):
        shelf.event()
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_relative_to(out):
            shelf.synced(path)

    def sync_file_system(folder):
        shelf.event()
        if all_at_once:
            shelf.everything_synced()
        return all_at_once

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        patch.setattr(disk, "_sync_file_system", sync_file_system)
        try:
            assert make_classification_dataset.main(words) == 0
            return False
        except PowerCut:
            shutil.rmtree(out)
            shelf.after.rename(out)
            return True
        finally:
            for file in shelf.open:
                file.close()


class Brightness:
    """Finds two boxes whose scores depend on all pictures of their batch."""

    name, categories, batch_size, fingerprint = "bright.pb", None, 4, "b1"

    def check(self):
        pass

    def detect(self, images):
        level = sum(float(image.mean()) for image in images) / 255 / len(images)
        boxes = [[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.8, 0.8]]
        return [Detections.of_corners(boxes, [0.5 + level / 2, 0.5], ["1", "1"]) for _ in images]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_bytes_are_those_of_an_undisturbed_run_after_200_power_cuts(world, monkeypatch):
    monkeypatch.setattr(dataset_writer, "COMMIT_EVERY", 4)
    monkeypatch.setattr(detectors, "open", lambda path: Brightness())
    for i in range(16):
        path = world.add(i, (9, 4)[i % 2], "ABC"[i % 3])
        world.picture(path, seed=i)
        if i % 7 == 3:
            path.write_bytes(b"no picture")
    flags = ("--multiple_detections", "all", "--detection_threshold", 0.4, "--ims_per_record", 3)
    detector = world.folder / "bright.pb"
    detector.touch()
    how = {"detector": detector, "detections": False}
    whole = world.run(*flags, name="whole", **how).contents()
    assert sum(name.endswith(".jpg") for name in whole) == 28  # of 14 pictures, two each
    words, out = world.words(*flags, **how), world.folder / "out"
    rng = random.Random(9)
    cuts = 0
    while cuts < 200:
        if run_with_cut(words, out, monkeypatch, rng, rng.randint(1, 60)):
            cuts += 1
        else:
            assert world.left().contents() == whole
            shutil.rmtree(out)
    assert world.run(*flags, **how).contents() == whole
