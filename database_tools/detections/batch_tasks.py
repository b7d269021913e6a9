"""Queried pictures through the Batch Detection API into the cache of detections.

    queried_images.json -> lists of pictures without boxes -> tasks -> resume.json
    resume.json -> ended tasks -> their detections -> mdcache/v4.1/idfg.json

A list is of at most a million pictures of one dataset.  It lies in ``batchapi_tasklists`` and, for
the service, in a container of CLASSIFICATION_BLOB_CONTAINER.  Each step is in the resume file
before the next one: killed, a run goes on there.  A run that finds no open task there submits what
the cache still lacks, so the command is repeated until nothing is missing.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, quote

from database_tools import stores
from database_tools.core import reasons
from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Drops, Ledger
from database_tools.core.secrets import hidden
from database_tools.detections import batch_api, cache
from database_tools.detections.batch_api import Busy, Service
from database_tools.detections.image_table import ImageTable
from database_tools.durable import files, locks
from database_tools.formats import (
    detection_json,
    ledger_json,
    megadetector_json,
    queried_images,
    resume_json,
)
from database_tools.formats.resume_json import Task
from database_tools.formats.task_answer import COMPLETED, TaskAnswer
from database_tools.stores import account
from database_tools.stores.container_url import ContainerUrl

log = logging.getLogger(__name__)

STAGE = "run_detector"

MOST = 1_000_000
"""Pictures of a task, as the service's manual has it."""

_UPLOADS = tuple(
    f"CLASSIFICATION_BLOB_{name}"
    for name in ("STORAGE_ACCOUNT", "CONTAINER", "CONTAINER_WRITE_SAS")
)
_ENDINGS = (".jpg", ".jpeg", ".png")  # of which the service takes pictures
_LONGEST_NAME = 92
_FIRST_WAIT, _LONGEST_WAIT, _TRIES = 1.0, 120.0, 6
_sleep, _now = time.sleep, time.monotonic


@dataclass(frozen=True)
class DetectorRun:
    """What to detect, and where everything goes; ``container`` gives a dataset's, with its SAS."""

    queried: Path
    cache: Path
    version: str
    output_dir: Path
    resume_file: Path
    container: Callable[[str], str]
    hours: float


def run(config: DetectorRun, service: Service) -> Ledger:
    """Detect what the cache lacks; return the account of the tasks' pictures.

    Raises:
        UserError: if a variable is not set or wrong, the service refuses a task, or another
            process has the resume file.
        FormatError: if a file breaks its format.
    """
    with locks.locked(config.resume_file.with_name(f".{config.resume_file.name}.lock")):
        return _run(config, service)


def _run(config: DetectorRun, service: Service) -> Ledger:
    tasks = resume_json.read(config.resume_file)
    if all(task.request_status for task in tasks):
        tasks += _planned(config, len(tasks))
    opened = [i for i, task in enumerate(tasks) if not task.request_status]
    log.info("%d detection tasks, %d of them open", len(tasks), len(opened))
    resume_json.write(config.resume_file, tasks)
    for i in opened:
        if tasks[i].task_id is None:
            tasks[i] = replace(tasks[i], task_id=_submitted(config, service, tasks[i]))
            resume_json.write(config.resume_file, tasks)
    total = Total()
    numbers = {str(tasks[i].task_id): i for i in opened}
    for number, answer in ended(service, list(numbers), config.hours):
        task = tasks[numbers[number]]
        if _finished(config, task, answer, total):
            tasks[numbers[number]] = replace(task, request_status=answer.status)
            resume_json.write(config.resume_file, tasks)
    for task in (tasks[i] for i in opened if not tasks[i].request_status):
        total.without(task.dataset, _names(task), reasons.TASK_OPEN)
    return total.ledger()


def ended(service: Service, tasks: Sequence[str], hours: float) -> Iterator[tuple[str, TaskAnswer]]:
    """Yield each task when it has ended, and the last answer; those that go on are left out.

    They are asked after 1, 2, 4, ... 120 s.  A state that nobody knows, an answer that is none, and
    none at all, are asked again; a task that the service does not know has ended.
    """
    end, wait = _now() + 3600 * hours, _FIRST_WAIT
    rest, heard = list(tasks), dict[str, str]()
    while True:
        for task in list(rest):
            try:
                answer = service.ask(task)
            except Busy as error:
                answer = TaskAnswer(f"no answer ({error})")
            except UserError as error:
                answer = TaskAnswer("problem", str(error))
            if heard.get(task) != answer.status:
                heard[task] = answer.status
                log.info("task %s: %s %s", task, answer.status, hidden(answer.said[:200]))
            if answer.has_ended:
                rest.remove(task)
                yield task, answer
        if not rest or not _now() < end:  # nor of hours that are no number
            return
        _sleep(min(wait, max(0.0, end - _now())))
        wait = min(2 * wait, _LONGEST_WAIT)


def patiently(ask: Callable[[], str | None], most: int = _TRIES) -> str | None:
    """Ask until the service has time; raise UserError if it has none after so many tries."""
    wait = _FIRST_WAIT
    for tries in range(1, most + 1):
        try:
            return ask()
        except Busy as error:
            if tries == most:
                rule = f"after {most} tries: {error}"
                raise UserError(f"the Batch Detection API gives no answer {rule}") from None
            _sleep(wait)
            wait = min(4 * wait, _LONGEST_WAIT)
    raise AssertionError("unreachable: the last try returns or raises")


def _planned(config: DetectorRun, before: int) -> Iterator[Task]:
    """Yield tasks for what the cache lacks, with their lists on the disk."""
    stamp = time.strftime("%Y%m%d_%H%M%S")
    folder = config.output_dir / "batchapi_tasklists"
    chunks: defaultdict[str, int] = defaultdict(int)
    for number, (dataset, names) in enumerate(_lacking(config), start=before):
        name = f"task_list_{dataset}_{stamp}.chunk{chunks[dataset]:03d}.json"
        chunks[dataset] += 1
        files.write_json(folder / name, names, lasting=True)
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", dataset)
        end = f"_{stamp}_task{number:02d}"
        title = f"detect_for_classifier_{plain}"[: _LONGEST_NAME - len(end)] + end
        yield Task(dataset, title, None, str(folder / name))


def _lacking(config: DetectorRun) -> Iterator[tuple[str, list[str]]]:
    """Yield at most a million pictures of a dataset without boxes, drawn or in the cache."""
    tables, refused = dict[str, ImageTable | None](), 0
    waiting: defaultdict[str, list[str]] = defaultdict(list)
    try:
        for image in queried_images.read(config.queried):
            if image.boxes is not None:
                continue
            if image.dataset not in tables:
                tables[image.dataset] = _cached(config, image.dataset)
            table = tables[image.dataset]
            if not _is_detectable(image.file):
                refused += 1
            elif table is None or table.find(image.file) is None:
                waiting[image.dataset].append(image.file)
                if len(waiting[image.dataset]) == MOST:
                    yield image.dataset, waiting.pop(image.dataset)
    finally:
        for table in filter(None, tables.values()):
            table.close()
    if refused:
        log.warning("WARNING: %s pictures are none of %s", f"{refused:,}", ", ".join(_ENDINGS))
    yield from sorted(waiting.items())


def _is_detectable(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _cached(config: DetectorRun, dataset: str) -> ImageTable | None:
    if (path := cache.find(config.cache, config.version, dataset)) is None:
        return None
    table = ImageTable()
    table.add_file(path)
    return table


def _submitted(config: DetectorRun, service: Service, task: Task) -> str:
    """Submit a task and return its id."""
    pictures = whole_container(config.container(task.dataset))
    body = {
        "images_requested_json_sas": _uploaded(Path(task.local_images_list_path)),
        "model_version": config.version,
        "request_name": task.task_name,
    }
    return submit(service, pictures, body)


def submit(service: Service, pictures: ContainerUrl, more: Mapping[str, str | None]) -> str:
    """Submit a task for a container and return its id; what is None or empty is not said."""
    body = {"input_container_sas": _signed(pictures), **{k: v for k, v in more.items() if v}}
    number = patiently(lambda: service.submit(body))
    log.info("%s: submitted as task %s", more.get("request_name") or pictures, number)
    return str(number)


def whole_container(text: str) -> ContainerUrl:
    """Return the container of an address; raise UserError if the service could not use it."""
    url = ContainerUrl.parse(text)
    if not url.sas:
        raise UserError(f"{url}: the Batch Detection API needs its SAS, to read and to list")
    if url.folder:
        raise UserError(f"{url}: the Batch Detection API takes whole containers, and a prefix")
    return url


def detectable(url: ContainerUrl, prefix: str) -> list[str]:
    """Return the pictures of a container that the service would detect in, by their names."""
    found = stores.open_container(url).list(prefix)
    return list(filter(_is_detectable, found))


def _uploaded(path: Path) -> str:
    """Bring a list to where the service reads it; return its address."""
    values = [os.environ.get(name, "").strip() for name in _UPLOADS]
    if lacking := [name for name, value in zip(_UPLOADS, values, strict=True) if not value]:
        raise UserError(f"{lacking[0]} is not set: lists of pictures are handed over there")
    owner, container, sas = values
    url = ContainerUrl.parse(f"{account.url(owner)}/{container}?{sas.removeprefix('?')}")
    permitted = parse_qs(url.sas).get("sp", ["rw"])[0]
    if "r" not in permitted or not {"w", "c"} & set(permitted):
        rule = f"it permits {permitted!r}, but has to permit to write, and the service to read"
        raise UserError(f"{_UPLOADS[2]}: {rule}")
    name = f"batchapi_tasklists/{path.name}"
    content = json.dumps(resume_json.names(path)).encode()
    try:
        stores.open_container(url).write(name, content)
    except stores.Unavailable as error:
        raise UserError(f"{url}/{name}: cannot be written: {error.reason}") from None
    return _signed(url, f"/{quote(name)}")


def _signed(url: ContainerUrl, path: str = "") -> str:
    return f"{url.address}/{url.container}{path}?{url.sas}"


def _finished(config: DetectorRun, task: Task, answer: TaskAnswer, total: Total) -> bool:
    """Bring what a task found into the cache; say whether there is nothing more to have of it."""
    names = _names(task)
    if answer.detections is None:
        empty = answer.status == COMPLETED  # it says so in words, of no picture at all
        why = reasons.NOT_IN_DETECTION_FILE if empty else reasons.TASK_FAILED
        total.without(task.dataset, names, why)
        return True
    path = config.output_dir / "batchapi_response" / f"{task.task_id}.json"
    try:
        download(answer, path)
        found = results(path, names)
        cache.add(path, config.cache, task.dataset, config.version)
    except UserError as error:
        log.warning("WARNING: %s: %s", task.task_name, error)
        return False
    total.add(task.dataset, names, found)
    return True


def _names(task: Task) -> list[str]:
    return resume_json.names(Path(task.local_images_list_path))


def download(answer: TaskAnswer, path: Path) -> None:
    """Bring a task's detections to ``path``; raise UserError if they cannot be had."""
    url = answer.detections
    if url is None:
        raise UserError(f"a task that is {answer.status} has no detections: {hidden(answer.said)}")
    patiently(lambda: batch_api.fetch(url, path))


Results = Mapping[str, str | None]
"""Picture to why it failed; None if it did not."""


def results(path: Path, names: Sequence[str]) -> Results:
    """Return what a task found out about its pictures.

    Raises:
        FormatError: if the file breaks its format, or has a picture that is not of the task.
    """
    found = {image.file: image.failure for image in detection_json.images(path)}
    if strangers := found.keys() - set(names):
        rule = f"{len(strangers):,} pictures are not of this task, as {min(strangers)!r}"
        raise FormatError(path, "images", rule)
    return found


class Total:
    """What became of the pictures of tasks."""

    def __init__(self) -> None:
        self._drops, self._total, self._kept = Drops(), 0, 0

    def add(self, dataset: str, names: Sequence[str], found: Results) -> None:
        """Count a task's pictures; of those of a part that was lost, nothing was found out."""
        self._total += len(names)
        for name in names:
            failure = found.get(name, reasons.NOT_IN_DETECTION_FILE)
            if failure is None:
                self._kept += 1
            else:
                full = f"{dataset}/{name}" if dataset else name
                self._drops.add(megadetector_json.failure_reason(failure), full)

    def without(self, dataset: str, names: Sequence[str], reason: str) -> None:
        """Count pictures of which nothing was found out."""
        self.add(dataset, names, dict.fromkeys(names, reason))

    def ledger(self) -> Ledger:
        """Return the account."""
        return self._drops.close(STAGE, self._total, self._kept)


def report(ledger: Ledger, folder: Path) -> None:
    """Write the ledger and say what it holds.

    Raises:
        UserError: after that, if a task failed or has not ended.
    """
    path = ledger_json.write(folder, ledger)
    log.info("%s of %s pictures were detected", f"{ledger.kept:,}", f"{ledger.total:,}")
    if summary := ledger.summary():
        log.warning("WARNING: %s. See %s", summary, path)
    if not_ended := len(ledger.dropped.get(reasons.TASK_OPEN, ())):
        rule = "the same command goes on there; without --run-detector, what there is is cut"
        raise UserError(f"{not_ended:,} pictures are of tasks that have not ended: {rule}")
    if failed := len(ledger.dropped.get(reasons.TASK_FAILED, ())):
        rule = "the same command submits them again"
        raise UserError(f"{failed:,} pictures are of tasks that failed: {rule}")
