"""What is installed is whole: wheel, sdist, environments, images and the services around them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from database_tools.cli import commands

ROOT = Path(__file__).parents[1]
PACKAGES = commands.PACKAGES
ENVIRONMENTS = {
    "environment.yml": "tf-classification",
    "environment-classifier.yml": "cameratraps-classifier",
    "environment-detector.yml": "cameratraps-detector",
}


def ran(*command, **settings):
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **settings
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def table(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def of_the_checkout():
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout of git: what belongs to the package is not known")
    tracked = ran("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    return [name for name in tracked.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist of a copy, and the wheel that is built from that sdist."""
    folder = tmp_path_factory.mktemp("built")
    for name in of_the_checkout():
        (folder / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / "copy" / name)
    make = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    clean = {"env": {**os.environ, "PYTHONPATH": ""}}
    ran(sys.executable, "-c", make, folder, cwd=folder / "copy", **clean)
    [sdist] = folder.glob("*.tar.gz")
    without = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    ran(sys.executable, "-m", "pip", "wheel", *without, "-w", folder, sdist, **clean)
    [wheel] = folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A new environment with the wheel; its requirements are those of the suite's own."""
    home = tmp_path_factory.mktemp("environment")
    ran(sys.executable, "-m", "venv", home, "--without-pip")
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    ran(*pip, "install", "--no-deps", "--quiet", built[1])
    [packages] = home.glob("lib/python*/site-packages")
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


@pytest.mark.slow
def test_the_sdist_holds_scripts_documentation_and_tests(built):
    with tarfile.open(built[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    ours = [name for name in of_the_checkout() if name != ".gitignore" and "github" not in name]
    assert sorted(set(ours) - names) == []


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_three_packages(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
        [metadata] = [wheel.read(name).decode() for name in names if name.endswith("/METADATA")]
    ours = [name for name in of_the_checkout() if name.partition("/")[0] in PACKAGES]
    assert sorted(set(ours) - names) == []
    assert {name.partition("/")[0] for name in names if "dist-info" not in name} == set(PACKAGES)
    for field in ("Author", "License", "Project-URL", "Classifier", "Requires-Python"):
        assert re.search(rf"^{field}: \S", metadata, re.MULTILINE)
    assert "Commands" in metadata
    assert re.findall(r"\]\((?!https?:).*?\)", metadata) == []  # dead on an index's page


@pytest.mark.slow
def test_a_wheel_makes_a_dataset_in_an_empty_folder(installed, tmp_path):
    def command(*words, way=("tf-classification",)):
        program = (installed / way[0], *way[1:])
        return ran(*program, *words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ""})

    as_module = ("python", "-m", "tf_classification")
    assert command("-h") == command("-h", way=as_module)
    where = "import database_tools; print(database_tools.__file__)"
    assert command("-c", where, way=("python",)).startswith(str(installed.parent))
    command("make_demo_dataset", "world", "--images", "12", "--detector", "detector.pb")
    command(
        *("make_classification_dataset", "world/image_level.json", "world/images", "detector.pb"),
        *("--coco_style_output", "coco", "--tfrecords_output", "records"),
    )
    page = (tmp_path / "coco" / "preview.html").read_text(encoding="utf-8")
    assert "<style" in page


@pytest.mark.parametrize(("file", "name"), ENVIRONMENTS.items())
def test_an_environment_has_the_name_that_the_readmes_activate(file, name):
    assert table(file)["name"] == name


def extras(file):
    [[ours]] = [part["pip"] for part in table(file)["dependencies"] if isinstance(part, dict)]
    return set(re.fullmatch(r"-e \.\[(.+)\]", ours)[1].split(","))


@pytest.mark.slow
def test_the_pip_part_of_an_environment_can_be_resolved_and_so_can_its_parts(tmp_path):
    whole = extras("environment.yml")
    assert all(extras(file) <= whole for file in ENVIRONMENTS)
    (tmp_path / "requirements.txt").write_text(f"{ROOT}[{','.join(sorted(whole))}]")
    install = ("install", "--dry-run", "--quiet", "--no-build-isolation", "-r")
    result = subprocess.run(
        [sys.executable, "-m", "pip", *install, str(tmp_path / "requirements.txt")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if "No matching distribution" not in result.stderr and "Connection" in result.stderr:
        pytest.skip("no package index can be reached")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("file", ["Dockerfile", "docker/gpu.Dockerfile"])
def test_hadolint_finds_nothing_in_an_image(file):
    hadolint = shutil.which("hadolint", path=sysconfig.get_path("scripts"))
    if hadolint is None:
        pytest.skip("hadolint is not installed: extra [dev]")
    ran(hadolint, "--no-color", ROOT / file)


def test_every_extra_that_a_file_installs_exists():
    extras = set(re.findall(r'^    "(\w+)": \[', (ROOT / "setup.py").read_text(), re.MULTILINE))
    for file in [*ENVIRONMENTS, "Dockerfile", "docker/gpu.Dockerfile", "scripts/environment.sh"]:
        text = (ROOT / file).read_text(encoding="utf-8")
        named = re.search(r'(?:\.|TEST_EXTRAS=")\[([\w,]+)\]', text)[1]
        assert set(named.split(",")) <= extras, file


def test_the_services_run_commands_that_exist():
    services = table("docker/compose.yml")["services"]
    assert services["train"]["entrypoint"] == ["tf-classification", "train_classifier"]
    assert services["serve"]["command"][0] == "serve"
    assert {"train_classifier", "serve"} <= set(commands.commands())
    for service in services.values():
        assert (ROOT / "docker" / service["build"]["context"]).resolve() == ROOT


def test_continuous_integration_calls_the_one_script():
    [job] = table(".github/workflows/ci.yml")["jobs"].values()
    assert job["steps"][-1] == {"run": ".ci/run"}
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
