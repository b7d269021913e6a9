"""When a build is none: nothing could be read, or no crop was made; said again without building."""

import json

import pytest

from database_tools import cropped_camera_trap_dataset_statistics as statistics
from database_tools import make_classification_dataset

ONE = ("--test_fraction", 0)


def error(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_wrong_folder_of_images_is_told_with_a_path_that_was_looked_for(world, capsys):
    world.fill()
    words = world.words(*ONE)
    (world.folder / "wrong").mkdir()
    words[1] = str(world.folder / "wrong")
    for _ in range(2):  # the second time it only repeats its answer
        assert make_classification_dataset.main(words) == 2
        line = error(capsys)
        assert "12 of 12 images that were looked for could not be read" in line
        assert f"as {world.folder / 'wrong' / 'A' / 'i000.jpg'} (missing)" in line
    ledger = world.folder / "out" / "c" / "make_classification_dataset_ledger.json"
    assert ledger.exists()


def test_the_answer_is_repeated_without_building_anew(world, capsys):
    world.add("a")
    assert world.run(*ONE).status == 2
    state = world.folder / "out" / "c" / ".build" / "progress.json"
    then = state.stat().st_mtime_ns
    assert world.run(*ONE).status == 2
    assert "nothing to do" in capsys.readouterr().err
    assert state.stat().st_mtime_ns == then


@pytest.mark.parametrize(("missing", "status"), [(8, 0), (9, 2)])
def test_nine_in_ten_that_cannot_be_read_are_too_many(world, capsys, missing, status):
    for i in range(10):
        path = world.add(i)
        if i >= missing:
            world.picture(path)
    assert world.run(*ONE).status == status


def test_pictures_that_are_never_opened_do_not_count(world, capsys):
    for i in range(50):
        world.add(i, 0)  # excluded
        world.add(100 + i, boxes=[])
    world.picture(world.add(200))
    world.add(201)
    assert world.run(*ONE, "--exclude_categories", "empty").status == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--exclude_categories", "red fox", "hare"), "12 excluded category"),
        (("--detection_threshold", 0.95), "12 "),
    ],
)
def test_a_build_without_a_crop_is_told_after_its_ledger_is_written(world, capsys, flags, said):
    world.fill()
    for _ in range(2):
        built = world.run(*ONE, *flags)
        assert built.status == 2
        line = error(capsys)
        assert "no crop was made: 12 of 12 were left out" in line
        assert said in line
        assert built.ledger()["total"] == 12
        assert built.ledger()["kept"] == 0


def test_it_is_a_dataset_when_pictures_have_come(world):
    path = world.add("a")
    assert world.run(*ONE).status == 2
    world.picture(path)
    assert world.run(*ONE).status == 0


def test_the_statistics_say_when_a_crop_is_not_counted_by_the_ledger(world, capsys):
    built = world.fill().run()
    words = [built.coco / name for name in ("train.json", "test.json")]
    words = [str(word) for word in (world.folder / "cct.json", *words)]
    assert statistics.main(words) == 0
    assert "WARNING" not in capsys.readouterr().err
    table = json.loads((built.coco / "test.json").read_text(encoding="utf-8"))
    table["images"].pop()
    table["annotations"].pop()
    (built.coco / "test.json").write_text(json.dumps(table), encoding="utf-8")
    assert statistics.main(words) == 0
    assert "_ledger.json counts 12, but there are 11 crops" in capsys.readouterr().err
