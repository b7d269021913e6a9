"""A disk is asked what it makes of names, and nothing stays behind."""

import unicodedata
from pathlib import Path

import pytest

from database_tools.durable import naming


def test_a_disk_of_linux_keeps_every_name_apart(tmp_path):
    disk = naming.look_at(tmp_path)
    assert disk.is_exact
    assert not disk.plain_only
    assert list(tmp_path.iterdir()) == []


def test_the_room_is_what_the_folders_own_path_leaves(tmp_path):
    deep = tmp_path / "é"
    deep.mkdir()
    assert naming.look_at(deep).room == naming.look_at(tmp_path).room - 3  # two bytes and a slash


class OtherPath(type(Path())):
    """Files of a disk that takes some names for one, or refuses some."""

    fold = staticmethod(str)
    refused = ""

    def _there(self):
        return Path(self.fold(str(self)))

    def touch(self):
        if self.refused and self.refused in self.name:
            raise OSError(22, "Invalid argument")
        self._there().touch()

    def exists(self):
        return self._there().exists()

    def unlink(self, missing_ok=False):
        self._there().unlink(missing_ok)


@pytest.mark.parametrize(
    ("fold", "refused", "found"),
    [
        (str.lower, "", (True, False, False)),
        (lambda name: unicodedata.normalize("NFD", name), "", (False, True, False)),
        (lambda name: unicodedata.normalize("NFD", name).lower(), "?", (True, True, True)),
    ],
)
def test_other_disks_are_found_out(tmp_path, monkeypatch, fold, refused, found):
    monkeypatch.setattr(OtherPath, "fold", staticmethod(fold))
    monkeypatch.setattr(OtherPath, "refused", refused)
    disk = naming.look_at(OtherPath(str(tmp_path).lower()))
    assert (disk.ignores_case, disk.ignores_form, disk.plain_only) == found
    assert list(tmp_path.iterdir()) == []
