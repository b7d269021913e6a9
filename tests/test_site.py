"""The documentation as a site: whole, and at home on a machine without a network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from database_tools.cli import commands as dispatcher

pytest.importorskip("sphinx")
pytestmark = pytest.mark.slow  # it is built

ROOT = Path(__file__).parents[1]
ASKING = re.compile(
    r"""<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc=["']?(?:https?:)?//"""
    r"""|<link\b[^>]*\bhref=["']?(?:https?:)?//|@import|url\(\s*["']?(?:https?:)?//"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(ROOT / "docs"), str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_no_page_asks_another_host(site):
    files = [file for file in site.rglob("*") if file.suffix in (".html", ".css")]
    assert len(files) > 20
    asking = [(file.name, ASKING.findall(file.read_text(encoding="utf-8"))) for file in files]
    assert [found for found in asking if found[1]] == []


def test_every_command_has_a_section_with_its_flags(site):
    pages = "".join(file.read_text(encoding="utf-8") for file in site.glob("commands-*.html"))
    assert set(re.findall(r"<h2>(\w+)<", pages)) >= set(dispatcher.commands())
    assert "--padding_factor" in pages


def test_the_search_works_without_a_server(site):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no chromium")
    page = f"file://{site}/search.html?q=padding_factor"
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]
    shown = subprocess.run([browser, *words, "--dump-dom", page], capture_output=True, text=True)
    results = shown.stdout.partition('id="search-results"')[2]
    assert "datasets.html" in results
    assert "#cmdoption-make_classification_dataset-padding_factor" in results
