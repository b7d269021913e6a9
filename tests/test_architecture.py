"""The promises of the layout: which way imports point, and what may be imported where."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("database_tools", "tf_classification", "slim_legacy")
MODULES = sorted(f for package in PACKAGES for f in (ROOT / package).rglob("*.py"))

# A module may import its own folder and folders of a lower rank, never a higher one.
RANKS = {
    "database_tools.core": 0,
    "database_tools.formats": 1,
    "database_tools.imaging": 1,
    "database_tools.remote": 2,
    "database_tools.labels_db": 2,
    "database_tools.detectors": 2,
    "database_tools.building": 3,
    "database_tools.demo": 3,
    "database_tools.cli": 0,
}
SLOW = {"tensorflow", "keras", "pandas", "sklearn", "matplotlib", "pycocotools", "torch"}
HEAVY_ALLOWED = {
    "tensorflow": (
        "database_tools/detectors",
        "database_tools/demo",
        "tf_classification",
        "slim_legacy",
    ),
    "keras": ("tf_classification", "slim_legacy"),
}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path, *, top_level_only: bool = False) -> list[str]:
    """Every module that a file imports, as written, submodules of ``from`` included."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = _outside_functions(tree) if top_level_only else ast.walk(tree)
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def _outside_functions(tree: ast.AST) -> list[ast.AST]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def folder_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def commands() -> list[Path]:
    return [f for f in MODULES if len(f.relative_to(ROOT).parts) == 2 and f.stem != "__init__"]


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_imports_point_one_way(file):
    package = name_of(file).split(".")[0]
    forbidden = PACKAGES[PACKAGES.index(package) + 1 :]
    wrong = [m for m in imports(file) if m.split(".")[0] in forbidden]
    # The dispatcher knows the packages by name only, so it is not an exception here.
    assert not wrong


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_folders_of_database_tools_import_downwards(file):
    own = folder_of(name_of(file))
    if own not in RANKS:
        return
    used = {folder_of(m) for m in imports(file)} & set(RANKS) - {own}
    wrong = [m for m in used if RANKS[m] >= RANKS[own] and m != "database_tools.core"]
    assert not wrong, f"{own} imports {wrong}"


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_cli_is_imported_by_commands_only(file):
    if file in commands() or folder_of(name_of(file)) == "database_tools.cli":
        return
    assert not [m for m in imports(file) if m.startswith("database_tools.cli")]


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_no_module_imports_a_command(file):
    names = {name_of(command) for command in commands()}
    assert not [m for m in imports(file) if any(m == n or m.startswith(n + ".") for n in names)]


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_no_import_relies_on_a_scripts_own_folder(file):
    folders = {f.name for p in PACKAGES for f in (ROOT / p).iterdir()} - {"__init__.py"}
    local = {f.removesuffix(".py") for f in folders}
    assert not [m for m in imports(file) if m.split(".")[0] in local]


@pytest.mark.parametrize("file", commands(), ids=name_of)
def test_a_command_imports_nothing_slow_before_its_flags_are_good(file):
    seen, waiting = set(), [file]
    while waiting:
        current = waiting.pop()
        seen.add(current)
        for module in imports(current, top_level_only=True):
            assert module.split(".")[0] not in SLOW, f"{name_of(current)} imports {module}"
            parts = module.split(".")
            for end in range(1, len(parts) + 1):
                path = ROOT.joinpath(*parts[:end])
                found = path.with_suffix(".py") if path.with_suffix(".py").exists() else None
                found = found or (path / "__init__.py" if path.is_dir() else None)
                if found and found.exists() and found not in seen:
                    waiting.append(found)


@pytest.mark.parametrize("library", sorted(HEAVY_ALLOWED))
def test_tensorflow_stays_where_tensors_are(library):
    allowed = tuple(str(ROOT / folder) for folder in HEAVY_ALLOWED[library])
    wrong = [
        name_of(f)
        for f in MODULES
        if not str(f).startswith(allowed) and any(m.split(".")[0] == library for m in imports(f))
    ]
    assert not wrong


def test_core_touches_no_files_and_no_network():
    outside = {"pathlib", "io", "socket", "urllib", "requests", "subprocess", "shutil", "tempfile"}
    core = [f for f in MODULES if folder_of(name_of(f)) == "database_tools.core"]
    assert core
    wrong = [(name_of(f), m) for f in core for m in imports(f) if m.split(".")[0] in outside]
    assert not wrong


def test_no_module_is_named_like_the_standard_library_or_a_dependency():
    taken = set(sys.stdlib_module_names) | SLOW | {"numpy", "PIL", "tqdm", "official"}
    # Only the roots matter: a script's own folder is first in sys.path.
    roots = [f for package in PACKAGES for f in (ROOT / package).iterdir()]
    assert not [f for f in roots if f.stem in taken]


def test_nothing_is_left_for_later():
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
    wrong = [(name_of(f), mark) for f in MODULES for mark in marks if mark in f.read_text("utf-8")]
    assert not wrong


def test_nothing_is_evaluated_or_unpickled():
    forbidden = ("eval(", "exec(", "pickle.load", "os.system(", "shell=True", "yaml.load(")
    wrong = [
        (name_of(f), node.lineno, ast.unparse(node.func))
        for f in MODULES
        for node in ast.walk(ast.parse(f.read_text("utf-8")))
        if isinstance(node, ast.Call) and f"{ast.unparse(node.func)}(".startswith(forbidden)
    ]
    assert not wrong
