import json

import pytest

from database_tools import download_images
from database_tools.formats import ledger_json


class World:
    def __init__(self, root):
        self.root, self.out, self.store = root, root / "out", root / "store"
        for name in ("ds/a.jpg", "ds/b/c.JPG", "d2/a.jpg"):
            path = self.store / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)

    def run(self, kind, content, *flags):
        path = self.root / "list.json"
        path.write_text(content if kind == "txt" else json.dumps(content))
        words = [kind, path, self.out, "--check-existing-dir", self.store, *flags]
        return download_images.main([str(word) for word in words])

    @property
    def files(self):
        found = (p for p in self.out.rglob("*.*") if p.suffix.lower() == ".jpg")
        return {p.relative_to(self.out).as_posix(): p.read_text() for p in found}

    @property
    def ledger(self):
        return ledger_json.read(ledger_json.path_in(self.out, "download_images"))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_names_of_a_text_keep_their_paths_and_failures_are_told_by_file(world):
    text = "\ufeffds/a.jpg\r\nds/b/c.JPG\n\nds/no.jpg\nds/a.jpg\n../x.jpg"
    assert world.run("txt", text, "--threads", "3") == 0
    assert world.files == {"ds/a.jpg": "ds/a.jpg", "ds/b/c.JPG": "ds/b/c.JPG"}
    assert world.ledger.total == 5
    assert world.ledger.dropped == {
        "missing": ["ds/no.jpg"],
        "file name listed before": ["ds/a.jpg"],
        "file name outside the image folder": ["../x.jpg"],
    }


def test_entries_of_json_are_saved_under_their_key(world):
    entries = [
        {"dataset": "ds", "file": "a.jpg", "download_id": 7, "new_entry": True},
        {"file": "ds/b/c.JPG", "download_id": "x.JPG", "new_entry": False},
        {"dataset": "d2", "file": "a.jpg", "download_id": "7"},
    ]
    assert world.run("json", {"images": entries}, "--key", "images") == 0
    assert world.files == {"7.jpg": "ds/a.jpg", "x.JPG": "ds/b/c.JPG"}
    clash = "file name that the output's disk takes for another one"
    assert world.ledger.dropped == {clash: ["d2/a.jpg"]}


def test_another_save_key_and_new_images_only(world):
    entries = [{"file": "ds/a.jpg", "new_entry": 1}, {"file": "d2/a.jpg", "new_entry": False}]
    assert world.run("json", entries, "--save-key", "file", "--only-new-images") == 0
    assert world.files == {"ds/a.jpg": "ds/a.jpg"}


def test_what_is_there_stays_and_leftovers_go(world):
    (world.out / "ds").mkdir(parents=True)
    (world.out / "ds" / "a.jpg").write_text("mine")
    (world.out / "ds" / ".a.jpg.1-1.tmp").write_text("half")
    assert world.run("txt", "ds/a.jpg\nds/b/c.JPG\n") == 0
    assert world.files["ds/a.jpg"] == "mine"
    assert not (world.out / "ds" / ".a.jpg.1-1.tmp").exists()


def test_nowhere_to_take_pictures_from_is_an_error_that_says_what_to_do(world, capsys, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("ds/a.jpg\n")
    assert download_images.main(["txt", str(path), str(world.out), "--threads", "50"]) == 2
    assert "1 of 1 pictures are not to be had; say --check-exist" in capsys.readouterr().err
    assert world.ledger.dropped == {"missing": ["ds/a.jpg"]}
    assert world.run("txt", "ds/a.jpg\n") == 0
    assert download_images.main(["txt", str(path), str(world.out)]) == 0  # all are there


@pytest.mark.parametrize(
    ("content", "flags", "said"),
    [
        ({"images": []}, (), "expected a list; say --key"),
        ({"images": []}, ("--key", "other"), "no key 'other'; found images"),
        ([{"file": "a.jpg"}], (), '[0]: expected "download_id"'),
        ([{"download_id": "a"}], (), '[0]: expected "file"'),
        (["a.jpg"], (), "[0]: "),
        ([], ("--threads", "0"), "--threads must be at least 1"),
        ([], ("--check-existing-dir", "ftp://x/y"), "not read yet"),
    ],
)
def test_a_list_that_breaks_a_rule_is_one_line(world, capsys, content, flags, said):
    assert world.run("json", content, *flags) == 2
    assert said in capsys.readouterr().err.strip().splitlines()[-1]
