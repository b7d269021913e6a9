"""Folders of runs: one each, whoever tries at the same time."""

from __future__ import annotations

import json
import shlex
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import numpy as np
import pytest

from database_tools.core.errors import UserError
from tf_classification.runs import run_folder

BEGUN = datetime(2026, 11, 23, 15, 57, 44)


def test_runs_of_one_second_get_a_folder_each(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: run_folder.claim(tmp_path / "logs", BEGUN), range(8)))
    assert sorted(numbers) == list(range(1, 9))
    names = {path.name for path in (tmp_path / "logs").iterdir()}
    assert {"20261123_155744", "20261123_155744_2", "20261123_155744_8"} <= names


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path):
    (tmp_path / "logs").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        run_folder.claim(tmp_path / "logs" / "deeper", BEGUN)
    with pytest.raises((UserError, FileExistsError)):
        run_folder.claim(tmp_path / "logs", BEGUN)


def test_the_line_that_says_how_to_go_on_quotes_a_folder_with_a_space(tmp_path, caplog):
    caplog.set_level("INFO")
    folder = tmp_path / "my runs"
    folder.mkdir()
    note = json.dumps({"position": {"step": 3, "epoch": 1}})
    np.savez(folder / run_folder.STATE, note=np.array(note))
    run_folder.say_kept(folder)
    words = shlex.split(caplog.messages[-1].partition(": ")[2])
    assert words == ["train_classifier.py", "--resume", str(folder)]
