"""A whole project, killed again and again; scripts/bench/soak.py does more rounds."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def has_azurite():
    spec = importlib.util.spec_from_file_location("azurite", ROOT / "tests" / "azurite.py")
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module.lacking() is None


@pytest.mark.slow  # eight commands, eleven times
@pytest.mark.skipif(sys.platform != "linux", reason="kills process groups as Linux has them")
def test_a_project_that_is_killed_again_and_again_ends_as_an_undisturbed_one(tmp_path):
    folder = tmp_path / "soak"
    words = ["scripts/bench/soak.py", "--rounds", "10", "--folder", folder, "--seed", "3"]
    words += ["--blobs"] if has_azurite() else []
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    last = result.stdout.splitlines()[-1]
    found = re.fullmatch(r"10 rounds, (\d+) kills: the bytes of the undisturbed run", last)
    assert int(found[1]) > 0
