"""What was fetched stays within its room, whoever else uses it."""

from __future__ import annotations

import multiprocessing
import os

from database_tools.remote.cache import Cache


def size(folder):
    total = 0
    for entry in os.scandir(folder):
        try:
            total += entry.stat().st_size if entry.name not in (".lock", ".total") else 0
        except FileNotFoundError:
            continue
    return total


def keep(cache, name, length):
    return cache.keep(name, length, lambda path: path.write_bytes(name.encode()[:1] * length))


def test_what_was_used_longest_ago_makes_room(tmp_path):
    cache = Cache(tmp_path / "c", 100)
    for name in "abc":
        keep(cache, name, 30)
    times = {name: 10**18 + i for i, name in enumerate("bca")}  # a was used last
    for name, time in times.items():
        os.utime(cache.folder / name, ns=(time, time))
    keep(cache, "d", 30)  # 90 at most after room is made: one goes
    assert [name for name in "abcd" if cache.find(name)] == ["a", "c", "d"]
    assert keep(cache, "e", 51) is None  # more than half of the room
    assert size(cache.folder) == 90


def test_what_a_killed_process_left_makes_room_too(tmp_path):
    cache = Cache(tmp_path / "c", 100)
    cache.folder.mkdir()
    (cache.folder / ".1-1.tmp").write_bytes(b"x" * 80)
    keep(cache, "a", 40)
    assert sorted(p.name for p in cache.folder.iterdir()) == [".lock", ".total", "a"]


def fill(folder, limit, first):
    cache = Cache(folder, limit)
    for i in range(150):
        length = 100 + 37 * (i % 20)
        keep(cache, f"{first}{i}", length)
        found = cache.find(f"{'ab'[first == 'a']}{i}")
        if found is not None:
            try:
                content = found.read_bytes()
            except FileNotFoundError:
                continue
            assert content == found.name.encode()[:1] * length


def test_two_processes_share_the_room(tmp_path):
    folder, limit = tmp_path / "c", 20_000
    folder.mkdir()
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=fill, args=(folder, limit, name)) for name in "ab"]
    for worker in workers:
        worker.start()
    most = 0
    while any(worker.is_alive() for worker in workers):
        most = max(most, size(folder))
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert limit / 2 < size(folder) <= limit
    assert most <= limit + 2 * 803  # two files may come while others go
