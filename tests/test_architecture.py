"""The promises of the layout: which way imports point, and what may be imported where."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("database_tools", "tf_classification", "slim_legacy")
MODULES = sorted(f for package in PACKAGES for f in (ROOT / package).rglob("*.py"))

# The floors of each package, from the bottom.  A folder uses the floors below it, and of its own
# floor what BESIDE says; its own modules it may always use.
FLOORS: dict[str, tuple[tuple[str, ...], ...]] = {
    "database_tools": (
        ("core",),
        ("remote",),
        ("durable",),
        ("formats",),
        ("work", "imaging"),
        ("detectors", "stores"),
        ("crops", "detections", "labels_db", "pages"),
        ("datasets", "evaluation"),
        ("demo",),
    ),
    "tf_classification": (
        ("data",),
        ("models",),
        ("predictor", "runs"),
        ("evaluation", "embeddings"),
        ("training", "heads", "export"),
        ("serving", "predictions"),
        ("review", "planning"),
    ),
    "slim_legacy": (
        ("datasets", "nets", "preprocessing"),
        ("training",),
        ("inference",),
    ),
}
BESIDE: set[tuple[str, str]] = {("crops", "detections")}
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


def floor_of(folder: str) -> int | None:
    package, _, name = folder.partition(".")
    floors = FLOORS.get(package, ())
    return next((i for i, names in enumerate(floors) if name in names), None)


def local_file(module: str) -> Path | None:
    """Return the file of a module of ours, None for anything else."""
    path = ROOT.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return file
    return None


def everything_imported(start: Path) -> Iterator[tuple[Path, str]]:
    """Yield (importing file, module) for all that importing ``start`` runs."""
    seen, waiting = {start}, [start]
    while waiting:
        current = waiting.pop()
        for module in imports(current, top_level_only=True):
            yield current, module
            parts = module.split(".")
            for end in range(1, len(parts) + 1):
                found = local_file(".".join(parts[:end]))
                if found and found not in seen:
                    seen.add(found)
                    waiting.append(found)


# What decodes JSON that this program has just written itself, or that comes over the wire.
OWN_JSON = {
    "database_tools/labels_db/database.py",
    "database_tools/core/json_text.py",
    "database_tools/durable/journal.py",
    "database_tools/datasets/build_state.py",
    "database_tools/detections/store.py",
    "database_tools/formats/classifier_csv.py",  # rows of numbers, which it reads fastest
    "tf_classification/serving/json_rows.py",
    "tf_classification/serving/servable.py",
}


def test_json_of_others_is_decoded_in_one_place():
    decoders = ("json.load", "json.loads", "json.JSONDecoder", "orjson.loads")
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in MODULES
        if str(file.relative_to(ROOT)) not in OWN_JSON
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in decoders
    ]
    assert not wrong


def test_packages_import_one_way():
    wrong = [
        f"{name_of(f)} imports {module}"
        for f in MODULES
        for module in imports(f)
        if module.split(".")[0] in PACKAGES[PACKAGES.index(name_of(f).split(".")[0]) + 1 :]
    ]
    # The dispatcher knows the packages by name only, so it is not an exception here.
    assert not wrong


def test_folders_import_downwards():
    wrong = []
    for file in MODULES:
        own = folder_of(name_of(file))
        if (mine := floor_of(own)) is None:
            continue
        for used in {folder_of(m) for m in imports(file)} - {own}:
            theirs = floor_of(used)
            if theirs is None or used.split(".")[0] != own.split(".")[0] or theirs < mine:
                continue
            beside = (own.split(".")[1], used.split(".")[1]) in BESIDE
            if not (theirs == mine and beside):
                wrong.append(f"{name_of(file)} imports {used}")
    assert not wrong


def test_every_folder_has_a_floor():
    folders = {folder_of(name_of(f)) for f in MODULES if len(f.relative_to(ROOT).parts) > 2}
    assert not [f for f in folders if floor_of(f) is None and f != "database_tools.cli"]


def test_cli_is_imported_by_commands_only():
    wrong = [
        name_of(f)
        for f in MODULES
        if f not in commands() and folder_of(name_of(f)) != "database_tools.cli"
        if any(m.startswith("database_tools.cli") for m in imports(f))
    ]
    assert not wrong


def test_no_module_imports_a_command():
    names = {name_of(command) for command in commands()}
    wrong = [
        f"{name_of(f)} imports {m}"
        for f in MODULES
        for m in imports(f)
        if m in names or m.rpartition(".")[0] in names
    ]
    assert not wrong


def test_no_import_relies_on_a_scripts_own_folder():
    folders = {f.name for p in PACKAGES for f in (ROOT / p).iterdir()} - {"__init__.py"}
    local = {f.removesuffix(".py") for f in folders}
    wrong = [(name_of(f), m) for f in MODULES for m in imports(f) if m.split(".")[0] in local]
    assert not wrong


def test_a_command_imports_nothing_slow_before_its_flags_are_good():
    wrong = {
        f"{name_of(current)} imports {module}"
        for command in commands()
        for current, module in everything_imported(command)
        if module.split(".")[0] in SLOW
    }
    assert not wrong


def test_tensorflow_stays_where_tensors_are():
    wrong = [
        f"{name_of(f)} imports {library}"
        for library, folders in HEAVY_ALLOWED.items()
        for f in MODULES
        if not str(f).startswith(tuple(str(ROOT / folder) for folder in folders))
        if any(m.split(".")[0] == library for m in imports(f))
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
