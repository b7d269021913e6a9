import json

import pytest

from database_tools import json_to_azcopy_list


@pytest.fixture
def queried(tmp_path):
    names = ["b/x/1.jpg", "a/2.jpg", "b/3.jpg", "c/4.jpg", "a/\u00e9.jpg", "a/new\nline.jpg"]
    entry = {"class": "elk", "label": ["elk"]}
    table = {name: {"dataset": name[0], **entry} for name in names}
    (tmp_path / "queried_images.json").write_text(json.dumps(table))
    return tmp_path


def lists(folder):
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_each_dataset_has_a_list_of_its_files(queried, capsys):
    words = [str(queried / "queried_images.json"), str(queried / "out")]
    assert json_to_azcopy_list.main(words) == 0
    assert lists(queried / "out") == {
        "a_images.txt": "2.jpg\n\u00e9.jpg\n",
        "b_images.txt": "x/1.jpg\n3.jpg\n",
        "c_images.txt": "4.jpg\n",
    }
    assert "1 names have a line break" in capsys.readouterr().err


def test_pictures_that_are_there_are_not_listed_and_an_old_list_does_not_stay(queried):
    words = [str(queried / "queried_images.json"), str(queried / "out")]
    json_to_azcopy_list.main(words)
    for name in ("images/b/x/1.jpg", "images/c/4.jpg", "images/a/e\u0301.jpg"):
        (queried / name).parent.mkdir(parents=True, exist_ok=True)
        (queried / name).write_bytes(b"")
    assert json_to_azcopy_list.main([*words, "--images-dir", str(queried / "images")]) == 0
    assert lists(queried / "out") == {
        "a_images.txt": "2.jpg\n",
        "b_images.txt": "3.jpg\n",
        "c_images.txt": "",
    }


def test_a_broken_query_leaves_no_list(queried, capsys):
    path = queried / "queried_images.json"
    path.write_text(path.read_text()[:-1] + ', "d/x.jpg": {"dataset": "e"}}')
    assert json_to_azcopy_list.main([str(path), str(queried / "out")]) == 2
    assert '"d/x.jpg"' in capsys.readouterr().err
    assert lists(queried / "out") == {}
