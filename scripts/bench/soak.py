r"""A project whose commands are killed again and again ends as an undisturbed one does.

    python scripts/bench/soak.py --rounds 100
    python scripts/bench/soak.py --rounds 10 --blobs

A tiny demo world goes through import, detect, crop, dataset, embed, train_head, run and merge, once
undisturbed and then round by round: each command gets SIGKILL, its workers too, after a random time
with a mean of twice the least that it ever took, again and again until it ends by itself.  What is
left at the end has the bytes of the undisturbed run: labels, detections, crops, records, features,
the head's weights, probabilities and merged detections.  A difference ends it with status 1.

With ``--blobs`` the pictures lie in Azurite, and download_images brings them through a proxy that
spoils every tenth request: a reset, a 503 or an answer that is cut.

Commands are forks of this process, which has TensorFlow imported and has not used it, and then all
that the undisturbed ones imported: they begin some seconds later than those of a user, and a kill
meets their work instead of an import.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import random
import runpy
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_classification.embeddings import index

PLACES, PICTURES, DATASET = 6, 36, "demo"
FAULTS = {"reset": 0.04, "503": 0.03, "cut": 0.03}
APART = ("lock", "*_log_*.json", "*index.npz", "shards/*.npz")
"""Files that are not compared: they tell when or where they were made.  Of embeddings, which are
called by when their crops were made, the numbers are."""


def fork(module: str, words: list[str], log: Path) -> int:
    """Start a command in a group of its own; return its process."""
    if process := os.fork():
        os.setpgid(process, process)  # here too, as it may be killed before it comes to it
        return process
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end with this process
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    status = 1
    try:
        sys.argv = ["", *words]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        with log.with_suffix(".imports").open("a", encoding="utf-8") as file:
            file.write("".join(f"{name}\n" for name in sys.modules))
    except Exception:
        traceback.print_exc()  # Python would, were it not ended below
    finally:  # nothing of this process's own clearing up
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    raise AssertionError("it has ended")


def finish(process: int, seconds: float) -> int | None:
    """Wait for a command; return its status, None if it was killed after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


class Project:
    """A folder in which the stages are done one after the other.

    Args:
        folder: its own.
        world: folder of what it begins with.
        container: address of the pictures; None for those of the world.
    """

    def __init__(self, folder: Path, world: Path, container: str | None) -> None:
        self._folder, self._world, self._container = folder, world, container
        folder.mkdir(parents=True)

    def stages(self) -> Iterator[tuple[str, list[object]]]:
        """Yield the module and the words of each, as soon as those before it are done."""
        at, world = self._folder, self._world
        images, found, records = world / "images", at / "detections.json", at / "records"
        labels, embeddings, table = world / "image_level.json", at / "embeddings", at / "out.csv"
        if self._container is not None:
            paths = sorted(path.relative_to(images).as_posix() for path in images.rglob("*.jpg"))
            listed, images = at / "list.txt", at / "images" / DATASET
            listed.write_text("".join(f"{DATASET}/{path}\n" for path in paths), encoding="utf-8")
            words = ["txt", listed, at / "images", "--check-existing-dir", self._container]
            yield "database_tools.download_images", [*words, "--threads", 4, "--strict"]
        yield "database_tools.import_labels", [at / "labels.db", labels, "--dataset", DATASET]
        flags = ["--recursive", "--output_relative_filenames"]
        words = [world / "detector.pb", images, found, *flags]
        yield "database_tools.run_tf_detector_batch", words
        flags = ["--images-dir", images, "--threshold", 0.3, "--detector-version", "1.0"]
        flags += ["--workers", 2, "--logdir", at]
        yield "database_tools.crop_detections", [found, at / "crops", *flags]
        words = [labels, images, "-", "--use_detection_file", found, "--tfrecords_output", records]
        words += ["--coco_style_output", at / "coco", "--exclude_categories", "empty"]
        words += ["--multiple_detections", "all", "--every_label_in_train", "--workers", 2]
        yield "database_tools.make_classification_dataset", [*words, "--ims_per_record", 5]
        network = ["--model-name", "demo-cnn", "--pretrained", world / "demo.weights.h5"]
        words = ["--tfrecords", records, *network, "--output_dir", embeddings]
        yield "tf_classification.embed_crops", words
        words = ["--tfrecords", records, "--embeddings", embeddings, "--logdir", at / "runs"]
        yield "tf_classification.train_head", words
        yield "tf_classification.run_classifier", [self._run / "bundle", at / "crops", table]
        names = table.read_text(encoding="utf-8").partition("\n")[0].split(",")[1:]
        numbers = at / "label_index.json"
        numbers.write_text(json.dumps(dict(enumerate(names))), encoding="utf-8")
        words = [table, numbers, "--output-json", at / "merged.json", "--detection-json", found]
        name = "tf_classification.merge_classification_detection_output"
        yield name, [*words, "--classifier-name", "demo", "--threshold", 0.01]

    @property
    def _run(self) -> Path:
        """The folder of the training that ended; those of killed ones are older."""
        return max((self._folder / "runs").iterdir())

    def do(
        self, gaps: dict[str, float] | None, draw: random.Random
    ) -> tuple[dict[str, float], int]:
        """Do all stages.

        Args:
            gaps: mean seconds until a stage is killed; None to let all live.
            draw: of the moments.

        Returns:
            the seconds that each stage took when it ended, and how many were killed.
        """
        took, kills = {}, 0
        for module, words in self.stages():
            status = None
            while status is None:
                gap = draw.expovariate(1 / gaps[module]) if gaps else float("inf")
                begin = time.monotonic()
                log = self._folder.with_suffix(".log")
                status = finish(fork(module, list(map(str, words)), log), gap)
                kills += status is None
            if status:
                said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
                raise SystemExit(f"{module} ended with status {status}: {''.join(said)}")
            took[module] = time.monotonic() - begin
        return took, kills

    def contents(self) -> dict[str, object]:
        """Return what is compared, by its name."""
        found: dict[str, object] = {}
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            # what knows pictures by where they lie, and since when
            is_state = self._container is not None and "/." in f"/{name}"
            if path.is_dir() or is_state or any(path.match(kind) for kind in APART):
                continue
            if path.suffix == ".db":
                with sqlite3.connect(path) as db:
                    found[name] = "\n".join(db.iterdump())
            elif not name.startswith("runs/"):
                found[name] = path.read_bytes()
        embeddings = index.open(self._folder / "embeddings")
        rows = np.arange(len(embeddings))
        found["embeddings"] = embeddings.crops.names.tolist(), embeddings.features(rows).tobytes()
        found["head.npz"] = (self._run / "head.npz").read_bytes()
        return found


def make_world(folder: Path) -> None:
    """Draw pictures, and make a detector and a network of random weights."""
    weights = folder / "demo.weights.h5"
    words = ["--images", PICTURES, "--locations", PLACES, "--size", "320x240", "--workers", 1]
    words = [folder, *words, "--class_imbalance", 0, "--detector", folder / "detector.pb"]
    process = fork("database_tools.make_demo_dataset", list(map(str, words)), folder / "log")
    if finish(process, 600):
        raise SystemExit(f"no demo world; see {folder / 'log'}")
    if not (process := os.fork()):  # as what is to be forked must not use TensorFlow
        import keras

        from tf_classification.models import networks

        keras.utils.set_random_seed(1)
        networks.build("demo-cnn", 2, image_size=64).save_weights(weights)
        os._exit(0)
    os.waitpid(process, 0)


@contextlib.contextmanager
def container(world: Path) -> Iterator[str]:
    """Put the pictures into Azurite, behind a proxy that spoils requests; give the address."""
    sys.path.append(str(Path(__file__).parents[2] / "tests"))
    import azurite
    import faulty_proxy

    if (lacking := azurite.lacking()) is not None:
        raise SystemExit(lacking)
    with azurite.started(world) as blobs:
        images, (reading, writing) = world / "images", os.pipe()
        files = {f"{DATASET}/{f.relative_to(images)}": f for f in images.rglob("*.jpg")}
        # In a process of its own: what is to be forked must have no threads.
        if not (process := os.fork()):
            blobs.fill("pictures", {name: file.read_bytes() for name, file in files.items()})
            with faulty_proxy.running(blobs.port, FAULTS) as proxy:
                os.write(writing, str(proxy.server_address[1]).encode())
                signal.pause()
        port = int(os.read(reading, 9))
        os.environ["AZURE_BLOB_ENDPOINT"] = f"http://127.0.0.1:{port}/{{account}}"
        try:
            yield blobs.url("pictures")
        finally:
            os.kill(process, signal.SIGKILL)


def difference(one: dict[str, object], other: dict[str, object]) -> str | None:
    """Return the first file that is not in both or differs."""
    names = sorted({*one, *other})
    return next((name for name in names if one.get(name) != other.get(name)), None)


def main() -> None:
    """Print a line for each round, and the count of kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--blobs", action="store_true", help="pictures are in Azurite")
    parser.add_argument("--folder", type=Path, help="kept afterwards (default: a temporary one)")
    args = parser.parse_args()
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        world = folder / "world"
        world.mkdir(parents=True)
        make_world(world)
        with container(world) if args.blobs else contextlib.nullcontext() as address:
            soak(folder, address, args.rounds, random.Random(args.seed))


def soak(folder: Path, address: str | None, rounds: int, draw: random.Random) -> None:
    """Do so many rounds."""
    world = folder / "world"
    undisturbed = Project(folder / "undisturbed", world, address)
    took, _ = undisturbed.do(None, draw)
    whole, every, least = undisturbed.contents(), 0, took
    for name in set((folder / "undisturbed.imports").read_text(encoding="utf-8").split("\n")):
        with contextlib.suppress(ImportError):  # some are no files
            importlib.import_module(name or "sys")
    print(f"undisturbed: {sum(took.values()):.0f} s, {len(whole)} files", flush=True)
    for i in range(rounds):
        project = Project(folder / f"round{i}", world, address)
        begin = time.monotonic()
        took, kills = project.do({name: 2 * seconds for name, seconds in least.items()}, draw)
        least = {name: min(took[name], seconds) for name, seconds in least.items()}
        every += kills
        if name := difference(whole, project.contents()):
            raise SystemExit(f"round {i}, {kills} kills: {name} differs")
        print(f"round {i}: {kills} kills, {time.monotonic() - begin:.0f} s", flush=True)
    print(f"{rounds} rounds, {every} kills: the bytes of the undisturbed run")


if __name__ == "__main__":
    main()
