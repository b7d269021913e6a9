from __future__ import annotations

from types import SimpleNamespace

import pytest

from database_tools.core.errors import UserError
from database_tools.durable import listing
from database_tools.durable.listing import Folders


def test_what_is_there_is_found_and_each_folder_is_listed_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").touch()
    there = Folders(tmp_path)
    assert "a/1.jpg" in there
    assert "a/2.jpg" not in there
    assert "b/1.jpg" not in there
    assert "a/1.jpg/x" not in there
    (tmp_path / "a" / "2.jpg").touch()
    assert "a/2.jpg" not in there


def test_a_folder_where_nobody_may_look_is_named(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(listing, "os", SimpleNamespace(scandir=refuse, listdir=refuse))
    with pytest.raises(UserError, match=f"^{tmp_path}: permission denied$"):
        list(listing.entries(tmp_path))
    with pytest.raises(UserError, match=f"^{tmp_path / 'a'}: permission denied$"):
        "a/1.jpg" in Folders(tmp_path)  # noqa: B015
