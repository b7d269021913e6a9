"""Settings of the whole suite."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import pickle
import runpy
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# CI says the same about the same commit; at a desk every run tries other examples.  Nothing is
# timed: processors are shared.
settings.register_profile(
    "ours",
    derandomize=bool(os.environ.get("CI")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ours")

# Tests come in as many processes as there are processors: a TensorFlow with a thread for each of
# these, which wait for work by running, took a sixth more of them.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

# Pictures of wild animals with their own licences, which the repository does not hold: a folder
# of that name beside the checkout, or any other.
REAL_PICTURES = Path(
    os.environ.get("REAL_PICTURES", Path(__file__).parents[2] / "shared" / "real_images" / "images")
)


@pytest.fixture(scope="session")
def real_pictures():
    """Return the folder of real camera-trap pictures: speciesnet/..., as SpeciesNet's tests."""
    if not (REAL_PICTURES / "speciesnet").is_dir():
        pytest.skip(f"no pictures of SpeciesNet's test_data in {REAL_PICTURES}: set REAL_PICTURES")
    return REAL_PICTURES


def beside(name):
    """Return a module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def warm():
    """Make processes that fork from one which has imported TensorFlow, and not used it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras", "tensorflow", __name__])
    return context


@pytest.fixture(scope="module")
def alone():
    """Call a function of a module in a process of its own, whose memory no other test takes."""
    with ProcessPoolExecutor(1, warm()) as process:
        yield lambda function, *arguments: process.submit(function, *arguments).result()


class Begun:
    """A script in a warm process, as ``subprocess.Popen`` would have it."""

    def __init__(self, words, environ, log):
        self._log = log
        self._process = warm().Process(target=_be, args=(list(map(str, words)), environ, log))
        self._process.start()
        self.pid = self._process.pid

    def poll(self):
        return self._process.exitcode

    returncode = property(poll)

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self._log), timeout)
        return self.returncode

    def communicate(self, timeout=None):
        self.wait(timeout)
        return self._log.read_text(), None

    def send_signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ends just now
                os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def _be(words, environ, log):
    """Be a script, and say what it says into a file."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = words
    runpy.run_path(words[0], run_name="__main__")


@pytest.fixture(scope="session")
def begin(tmp_path_factory):
    """Start a script of words, in an environment with more; seconds sooner than a new Python."""
    folder, begun = tmp_path_factory.mktemp("begun"), []

    def start(*words, **environ):
        begun.append(Begun(words, os.environ | environ, folder / str(len(begun))))
        return begun[-1]

    yield start
    for process in begun:  # those of a test that failed; Python would wait for them
        process.kill()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory):
    """Azure's blobs on this machine, see ``azurite.Azurite``; one for all tests of a process."""
    module = beside("azurite")
    if (lacking := module.lacking()) is not None:
        pytest.skip(lacking)
    with module.started(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture(scope="session")
def cosmos():
    """Azure's Cosmos DB on this machine, see ``cosmos.Cosmos``; one for all tests of a process."""
    module = beside("cosmos")
    if (lacking := module.lacking()) is not None:
        pytest.skip(lacking)
    with module.started() as running:
        yield running


@pytest.fixture(scope="session")
def object_store(request, tmp_path_factory):
    """A function from a scheme to a store that answers, see ``object_stores``; started once."""
    module, running = beside("object_stores"), {}

    def of(scheme):
        for needed in module.NEEDS[scheme]:
            pytest.importorskip(needed, reason=f"{needed} is not installed")
        if scheme not in running:
            if scheme == "az":
                running[scheme] = module.of_azurite(request.getfixturevalue("azurite"))
            else:
                folder = tmp_path_factory.mktemp(scheme)
                running[scheme] = stack.enter_context(module.started(scheme, folder))
        return running[scheme]

    of.fill, of.contents = module.fill, module.contents
    with contextlib.ExitStack() as stack:
        yield of


@pytest.fixture
def batch_api(azurite):
    """A Batch Detection API whose containers are Azurite's, see ``batch_api.BatchApi``."""
    with beside("batch_api").started(azurite) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One page of a headless Chromium for the tests of a module; see ``browser.Page``."""
    module = beside("browser")
    if module.find() is None:
        pytest.skip("chromium is not installed")
    pytest.importorskip("websockets", reason="websockets is not installed")
    with module.open_page("about:blank", tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture(scope="session")
def dask_cluster():
    """A Dask cluster of two processes, each with one thread."""
    distributed = pytest.importorskip("distributed")
    import dask

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    configured = {
        # a second end of a worker is the job's fault: to start one takes seconds
        "distributed.scheduler.allowed-failures": 1,
        # it lives as long as the tests do: watching itself took a fifth of a processor all along
        "distributed.worker.profile.enabled": False,
        "distributed.admin.system-monitor.interval": "10s",
        "distributed.admin.tick.interval": "1s",
    }
    with (
        dask.config.set(configured),
        distributed.LocalCluster(**options, processes=True) as cluster,
    ):
        yield cluster


@pytest.fixture
def elsewhere(monkeypatch):
    """Have threads of this process do a cluster's jobs, pickled as they would be; list the jobs."""
    from database_tools.work import cluster

    jobs = []

    class Threads(ThreadPoolExecutor):
        def submit(self, fn, /, *args):
            jobs.append(args[0])
            return super().submit(lambda: _travelled(_travelled(fn)(*_travelled(args))))

    @contextlib.contextmanager
    def connected(address, at_start=None, needed=(), role=None):
        assert all(Path(path).exists() for path in needed)
        with Threads(2) as executor:
            yield executor

    monkeypatch.setattr(cluster, "connected", connected)
    return jobs


def _travelled(value):
    return pickle.loads(pickle.dumps(value))


def pytest_collection_modifyitems(config, items):
    """Let several processes begin with pages, then files that hold a slow test: these end late."""
    if not hasattr(config, "workerinput"):
        return
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.parent.name != "docs", item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file's tests stay on one processor, but pages of the documentation share nothing."""
    from xdist.scheduler import LoadFileScheduling

    class ByPage(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return nodeid if "docs/test_pages.py" in nodeid else super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # else files with many tests come first
    return ByPage(config, log) if config.getvalue("dist") == "loadfile" else None
