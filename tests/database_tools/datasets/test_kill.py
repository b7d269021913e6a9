"""Killed with SIGKILL at any moment and run again: the files of an undisturbed run."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kills process groups as Linux has them"),
]


def start(words, workers, stderr=subprocess.DEVNULL):
    words = list(words)
    words[words.index("--workers") + 1] = str(workers)
    command = [sys.executable, "-m", "database_tools.make_classification_dataset", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.Popen(
        command, env=environment, stderr=stderr, start_new_session=True, preexec_fn=heed_interrupts
    )


def heed_interrupts():
    """A test run that a shell put into the background ignores Ctrl-C, and so would its child."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def kill_after(process, seconds, whole_group):
    """Kill a run after some time; False if it had ended. What it left must stop moving."""
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        workers = psutil.Process(process.pid).children(recursive=True)
        if whole_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not at_work(workers), "a worker outlives its build"
        return True


def at_work(processes, patience=60):
    """Return those that have not ended after so many seconds.

    An orphan that has ended is a zombie until process 1 takes note, which some do late.
    """
    until = time.monotonic() + patience
    while (alive := [p for p in processes if is_at_work(p)]) and time.monotonic() < until:
        time.sleep(0.05)
    return alive


def is_at_work(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_crops(process, folder):
    """Wait until a run is in the middle of its work."""
    while not any(folder.rglob("*.jpg")):
        assert process.poll() is None, "it ended without a crop"
        time.sleep(0.02)


def state(folder):
    return {p: (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def run_with_kills(words, workers, whole, kills, seed, longest):
    """Kill so many runs at random moments, then let one end; return how many were killed."""
    moments = random.Random(seed)
    killed = 0
    for i in range(kills):
        killed += kill_after(start(words, workers), moments.uniform(0.2, longest), whole(i))
    assert start(words, workers).wait() == 0
    return killed


FLAGS = ("--ims_per_record", 7, "--multiple_detections", "all")


@pytest.fixture(scope="module")
def undisturbed(new_world, tmp_path_factory):
    """Pictures with one and two boxes, some unreadable, and what an undisturbed run makes."""
    world = new_world(tmp_path_factory.mktemp("kill"))
    for i in range(300):
        two = [(0.1, 0.1, 0.2, 0.2), (0.5, 0.5, 0.3, 0.3)]
        path = world.add(i, (9, 4)[i % 2], "ABCDE"[i % 5], two if i % 3 == 0 else [two[0]])
        world.picture(path, 320, 240, seed=i)
        if i % 50 == 7:
            path.write_bytes(path.read_bytes()[:900])
    started = time.monotonic()
    assert start(world.words(*FLAGS, name="whole"), 1).wait() == 0
    seconds = time.monotonic() - started
    return world, world.run(*FLAGS, name="whole").contents(), seconds


@pytest.mark.parametrize(
    ("workers", "group"),
    [
        (1, lambda i: i % 2 == 0),
        (4, lambda i: True),  # the whole process group, as a scheduler does
        (4, lambda i: False),  # the parent alone, as the system does when memory is short
    ],
)
def test_the_bytes_are_those_of_an_undisturbed_run(undisturbed, workers, group):
    world, whole, seconds = undisturbed
    name = f"killed-{workers}-{group(1)}"
    words = world.words(*FLAGS, name=name)
    killed = run_with_kills(words, workers, group, 5, seed=workers, longest=0.6 * seconds)
    assert killed > 1
    assert world.run(*FLAGS, name=name).contents() == whole


def test_nothing_writes_after_its_parent_was_killed(undisturbed):
    world, _, _ = undisturbed
    process = start(world.words(*FLAGS, name="orphans"), 4)
    wait_for_crops(process, world.folder / "orphans")
    assert kill_after(process, 0, whole_group=False)
    before = state(world.folder / "orphans")
    time.sleep(1)
    assert state(world.folder / "orphans") == before


def test_detections_and_crops_survive_kills_and_no_group_is_detected_twice(world, frozen_graph):
    for i in range(60):
        location = "ABC"[i % 3]
        world.picture(world.add(f"{i:02d}", location=location), 160, 120, seed=i)
    options = {"detector": frozen_graph, "detections": False}
    words = world.words(name="whole", **options)
    started = time.monotonic()
    assert start(words, 2).wait() == 0
    seconds = time.monotonic() - started
    whole = world.folder / "whole"
    killed = run_with_kills(
        world.words(name="killed", **options), 2, lambda i: i % 2, 3, seed=3, longest=0.8 * seconds
    )
    assert killed > 0
    paths = [path for path in sorted(whole.rglob("*")) if path.is_file()]
    assert any(path.name == "train-00000" for path in paths)
    for path in paths:
        twin = world.folder / "killed" / path.relative_to(whole)
        # the log too: a group that was appended twice would show
        assert twin.read_bytes() == path.read_bytes(), path


def test_control_c_is_one_line_and_the_next_run_goes_on(undisturbed):
    world, whole, _ = undisturbed
    words = world.words(*FLAGS, name="interrupted")
    with start(words, 4, stderr=subprocess.PIPE) as process:
        wait_for_crops(process, world.folder / "interrupted")
        os.killpg(process.pid, signal.SIGINT)
        said = process.stderr.read().decode()
    assert process.returncode == 130
    assert said.splitlines()[-1] == "make_classification_dataset.py: interrupted"
    assert "Traceback" not in said
    assert world.run(*FLAGS, name="interrupted").contents() == whole
