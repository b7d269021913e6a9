"""Whose an output folder is."""

import pytest

from database_tools.core.errors import UserError
from database_tools.durable import folders


def test_a_folder_of_one_command_is_none_of_another(tmp_path):
    folders.check_claimable(tmp_path, "one")
    folders.mark(tmp_path, "one", {"crops": True})
    folders.check_claimable(tmp_path, "one")
    with pytest.raises(UserError, match="one made it; choose another folder"):
        folders.check_claimable(tmp_path, "another")
    assert folders.known(tmp_path) == {"made_by": "one", "crops": True}


def test_a_folder_whose_mark_cannot_be_read_is_begun_anew(tmp_path):
    folders.mark(tmp_path, "one", {})
    (tmp_path / folders.STATE / "folder.json").write_text("torn {")
    folders.check_claimable(tmp_path, "another")
