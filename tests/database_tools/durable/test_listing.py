from __future__ import annotations

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
