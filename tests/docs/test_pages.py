"""Every bash block of the README and of docs is run, in its page's order, on the demo world.

A page ``docs/x.md`` has a table ``pages/x.toml``, beside what ``table.toml`` says for all pages:

    asks = ["onnxruntime"]            # packages without which it is skipped
    services = true                   # it asks MegaDB and the Batch Detection API
    needs = ["detections"]            # things of table.toml that lie in the page's folder
    makes = ["out/species.csv"]       # what must be there at its end
    shows = { "Recall_5[1]" = 2 }     # and what its commands say, so often
    [words]                           # what a page's words stand for
    "/path/to/images" = "demo_data/images"
    [set]                             # variables of its terminal
    BASE_LOGDIR = "base"
    [containers]                      # of Azurite, and what of the things lies in each;
    pictures = "images"               # $PICTURES_SAS is its SAS; skipped without Azurite

A block that cannot be run here has ``<!-- not run: REASON -->`` in the line before it.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from filelock import FileLock

from database_tools.cli import commands as dispatcher

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COMMANDS = dispatcher.commands()
SHELL = {"bash", "cat", "cd", "cp", "curl", "export", "mkdir", "printf"}
SHELL |= {"python", "tensorboard", "tf-classification"}
"""What a line may begin with."""

STAND_INS = ("COSMOS_STAND_IN", "COSMOS_STAND_IN_KEY", "API_STAND_IN", "WRITE_SAS")
"""Variables of a page that asks services."""

LANGUAGES = {"bash", "javascript", "json", "text", "python", "{toctree}", "{include}", ""}
"""What a fence may be of: no other name for bash, whose lines would not be run."""

TABLE: dict[str, Any] = tomllib.loads((HERE / "table.toml").read_text(encoding="utf-8"))
_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[^`]*)")
_NOT_RUN = re.compile(r" *<!-- not run: .{8,} -->")


class Line(NamedTuple):
    """A line of a page's script, and where it stands."""

    number: int
    text: str


class Page:
    """A page and its table."""

    def __init__(self, file: Path) -> None:
        self.name = file.relative_to(ROOT).as_posix()
        own = HERE / "pages" / f"{file.stem}.toml"
        self.has_table = own.is_file()
        table = tomllib.loads(own.read_text(encoding="utf-8")) if self.has_table else {}
        self.asks: list[str] = table.get("asks", [])
        self.needs: list[str] = table.get("needs", [])
        self.makes: list[str] = table.get("makes", [])
        self.shows: dict[str, int] = table.get("shows", {})
        self.own_words: dict[str, str] = table.get("words", {})
        self.words = TABLE["words"] | self.own_words
        self.containers: dict[str, str] = table.get("containers", {})
        self.services: bool = table.get("services", False)
        self.variables = TABLE["set"] | table.get("set", {})
        self.faults: list[str] = []
        self.text = file.read_text(encoding="utf-8")
        self.script = self._script(self.text.splitlines())

    def _script(self, lines: list[str]) -> list[str]:
        """Return the lines of the page, all but those of bash blocks emptied."""
        script, fence, before = [], None, ""
        for number, line in enumerate(lines, start=1):
            script.append("")
            match = _FENCE.fullmatch(line)
            if fence is None and match:
                fence, runs = match, False
                if (language := match["language"]) == "bash":
                    runs = not _NOT_RUN.fullmatch(before)
                elif language.partition(" ")[0] not in LANGUAGES:
                    self.faults.append(f"{self.name}:{number}: a block of {language!r}")
            elif match and fence and match["fence"] == fence["fence"] and not match["language"]:
                fence = None
            elif fence and runs:
                script[-1] = self._stand_in(line.removeprefix(fence["indent"]))
            before = line or before
        return script

    def _stand_in(self, line: str) -> str:
        for words in sorted(self.words, key=len, reverse=True):
            line = line.replace(words, self.words[words])
        return line

    def variables_of(self) -> set[str]:
        """Return what its lines may ask for: what is set for it, or by it."""
        assigned = re.findall(r"(?:^|\s)(\w+)=", "\n".join(self.script))
        sas = (f"{name.upper()}_SAS" for name in self.containers)
        stand_ins = STAND_INS if self.services else ()
        return {*self.variables, *assigned, *sas, *stand_ins, "PWD", "PORT", "DOCS_ROOT"}

    def commands(self) -> list[Line]:
        """Return its lines, continued ones joined, without comments."""
        found, begun = [], None
        for number, text in enumerate(self.script, start=1):
            begun = Line(begun.number, begun.text + text) if begun else Line(number, text)
            if begun.text.endswith("\\"):
                begun = Line(begun.number, begun.text[:-1])
                continue
            if begun.text.strip() and not begun.text.lstrip().startswith("#"):
                found.append(begun)
            begun = None
        return found


FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL = [Page(file) for file in FILES]
PAGES = {page.name: page for page in ALL if any(page.script)}


def fault_of(line: str, variables: set[str]) -> str | None:
    """Say what a line has that cannot be run here, or that its command would not take."""
    unknown = re.findall(r"/path/to\S*|<\w+>|/save/\S*", line)
    unknown += sorted(set(re.findall(r"\$\{?(\w+)", line)) - variables)
    if unknown:
        return f"the table does not say what {unknown[0]} stands for"
    if re.fullmatch(r"\w+=\$\(.*\)", line):
        return None
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    ends = [i for i, word in enumerate(words) if word in ("|", "||", ">", ">>", "2>", "&&", "&")]
    words = words[: ends[0]] if ends else words
    if not words or words[0] not in SHELL:
        return "begins with a word that the test does not know"
    return fault_of_command(words)


def fault_of_command(words: list[str]) -> str | None:
    """Say what is wrong with the words of one of our commands."""
    if words[0] not in ("python", "tf-classification") or words[1] in ("-c", "-"):
        return None
    rest = words[2:] if words[1] == "-m" else words[1:]
    name = re.sub(r".*[./](?=\w+$)", "", rest[0].removesuffix(".py")).replace("-", "_")
    if name not in COMMANDS:
        return f"{name} is no command"
    try:
        importlib.import_module(COMMANDS[name]).main.build_parser().parse_args(rest[1:])
    except SystemExit as end:
        return f"{name} does not take its words" if end.code else None
    return None


def test_every_line_is_known_to_the_table(capsys):
    faults = [fault for page in ALL for fault in page.faults]
    for page in PAGES.values():
        if not page.has_table:
            faults.append(f"{page.name}: no table tests/docs/pages/{Path(page.name).stem}.toml")
        faults += [
            f"{page.name}: its table's {x!r} is not in it"
            for x in page.own_words
            if x not in page.text
        ]
        for number, line in page.commands():
            if (fault := fault_of(line, page.variables_of())) is not None:
                faults.append(f"{page.name}:{number}: {fault} {capsys.readouterr().err}")
    assert not faults, "\n".join(faults)


def test_every_table_has_a_page_with_blocks():
    stems = {Path(page).stem for page in PAGES}
    assert [file.stem for file in (HERE / "pages").glob("*.toml") if file.stem not in stems] == []


@pytest.fixture(scope="session")
def terminal(tmp_path_factory):
    """A way to run bash where ``python`` and ``tf-classification`` are those of this checkout."""
    folder = tmp_path_factory.mktemp("terminal")
    source = (HERE / "client.py").read_text(encoding="utf-8")
    for name in ("python", "tensorboard", "tf-classification"):
        (folder / name).write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
        (folder / name).chmod(0o755)
    environ = os.environ | {
        "DOCS_ROOT": str(ROOT),
        "DOCS_SOCKET": str(folder / "socket"),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "VIRTUAL_ENV": sys.prefix,
        "TF_CLASSIFICATION_SKIP_INSTALL": "1",
    }
    with (folder / "warm.log").open("w") as log:
        words = [sys.executable, HERE / "warm.py", environ["DOCS_SOCKET"]]
        warm = subprocess.Popen(words, env=environ, stdout=log, stderr=log, start_new_session=True)
    while not (folder / "socket").exists():
        assert warm.poll() is None, (folder / "warm.log").read_text()
        time.sleep(0.1)

    def run(name: str, lines: list[str], cwd: Path, **variables: str) -> str:
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        lines[0] = f"source '{HERE / 'prelude.sh'}'"  # so that Bash counts lines as the page does
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        result = subprocess.run(
            ["bash", file],
            cwd=cwd,
            env=environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode:
            pytest.fail(f"{name} in {cwd}:\n{result.stdout[-4000:]}", pytrace=False)
        return result.stdout

    yield run
    os.killpg(warm.pid, 9)


@pytest.fixture(scope="session")
def lay(terminal, tmp_path_factory):
    """A way to lay things of the table into a folder; each is made once for all pages."""
    base = tmp_path_factory.getbasetemp()
    world = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "world"
    world.mkdir(exist_ok=True)

    def make(name: str, what: dict[str, Any]) -> Path:
        with FileLock(world / f"{name}.lock"):
            if not (done := world / f"{name}.done").exists():
                shutil.rmtree(world / name, ignore_errors=True)
                lay_into(world / name, what.get("needs", []))
                lines = ["", *what["bash"].splitlines()]
                terminal(f"things/{name}", lines, world / name, HERE=str(HERE))
                done.touch()
        return world / name

    def lay_into(folder: Path, names: list[str]) -> None:
        folder.mkdir(exist_ok=True)
        for name in names:
            what = TABLE["things"][name]
            made = make(name, what)
            for path in what["makes"]:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                if (made / path).is_dir():  # links: pages write beside and rename
                    shutil.copytree(
                        made / path, folder / path, copy_function=os.link, dirs_exist_ok=True
                    )
                else:
                    shutil.copyfile(made / path, folder / path)

    return lay_into


@pytest.fixture
def contain(lay, request, tmp_path_factory):
    """A way to fill the containers of a page; returns the variables of its terminal."""

    def fill(page: Page) -> dict[str, str]:
        if not page.containers:
            return {}
        azurite, folder = request.getfixturevalue("azurite"), tmp_path_factory.mktemp("contained")
        lay(folder, sorted({place.partition("/")[0] for place in page.containers.values()}))
        variables = {"AZURE_BLOB_ENDPOINT": azurite.endpoint}
        for name, place in page.containers.items():
            files = (path for path in (folder / place).rglob("*") if path.is_file())
            blobs = {path.relative_to(folder / place).as_posix(): path for path in files}
            azurite.fill(name, {blob: path.read_bytes() for blob, path in blobs.items()})
            variables[f"{name.upper()}_SAS"] = azurite.sas(name)
        return variables

    return fill


@pytest.fixture
def serve(request):
    """A way to start a page's services, MegaDB as the annotations in its folder have it."""

    def start(page: Page, folder: Path) -> dict[str, str]:
        if not page.services:
            return {}
        azurite, cosmos, api = map(request.getfixturevalue, ("azurite", "cosmos", "batch_api"))
        api.created = api.ended = 0  # its clock stands still
        azurite.fill("classifier-training")
        annotations = json.loads((folder / "annotations.json").read_text("utf-8"))
        dataset = {"dataset_name": "name_of_dataset", "path_prefix": ""}
        place = {"storage_account": azurite.account, "container": "pictures"}
        sas = {"container_sas_key": f"?{azurite.sas('pictures')}"}
        sequences = cosmos.sequences(annotations, "name_of_dataset")
        cosmos.fill([{**dataset, **place, **sas}], sequences)
        sas = azurite.sas("classifier-training", "rcw")
        return dict(zip(STAND_INS, (cosmos.endpoint, cosmos.key, api.url, sas), strict=True))

    return start


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_every_block_of_the_page_runs(name, lay, terminal, contain, serve, tmp_path):
    page = PAGES[name]
    if lacking := [package for package in page.asks if find_spec(package) is None]:
        pytest.skip(f"needs {', '.join(lacking)}")
    azure = contain(page)
    lay(tmp_path, page.needs)
    azure |= serve(page, tmp_path)
    ports = {"PORT": str(free_port()), "TENSORBOARD_PORT": str(free_port())}
    said = terminal(name, list(page.script), tmp_path, **ports, **azure, **page.variables)
    assert [path for path in page.makes if not list(tmp_path.glob(path))] == []
    assert {words: said.count(words) for words in page.shows} == page.shows
