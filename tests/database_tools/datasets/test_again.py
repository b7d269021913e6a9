"""Run again into a filled folder: go on, build anew, or refuse to touch what is not ours."""

import errno
import shutil

import pytest

from database_tools import make_classification_dataset
from database_tools.durable import locks
from database_tools.formats import tfrecord

ONE = ("--test_fraction", 0)
LEDGER = "make_classification_dataset_ledger.json"


def error(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def times(built):
    return {path: path.stat().st_mtime_ns for path in built.coco.rglob("*.jpg")}


def test_the_same_again_does_nothing(world, capsys):
    world.fill()
    first = world.run()
    before, then = times(first), first.contents()
    capsys.readouterr()
    again = world.run()
    assert again.status == 0
    assert "nothing to do" in error(capsys)
    assert (times(again), again.contents()) == (before, then)


@pytest.mark.parametrize(
    "flags",
    [
        ("--padding_factor", 1.2),
        ("--detection_threshold", 0.95),
        ("--test_fraction", 0.7),
        ("--ims_per_record", 2),
        ("--exclude_categories", "hare"),
        ("--max_pixels", 4000),
    ],
)
def test_other_parameters_build_anew_as_if_the_folder_were_empty(world, flags):
    world.fill()
    path = world.add("large", location="A")
    world.picture(path, 100, 100)
    world.run()
    again = world.run(*flags)
    fresh = world.run(*flags, name="fresh")
    assert again.contents() == fresh.contents()


def test_other_annotations_build_anew_and_leave_no_stale_shard_or_folder(world):
    world.fill(12, "A").run(*ONE, "--ims_per_record", 2)
    world.table["images"] = world.table["images"][:1]
    world.table["annotations"] = world.table["annotations"][:1]
    again = world.run(*ONE, "--ims_per_record", 2)
    assert again.shards() == ["train-00000"]
    assert [path.name for path in again.coco.iterdir() if path.is_dir()] != []
    assert not (again.coco / "hare").exists()


def test_other_outputs_build_anew(world):
    world.fill()
    world.run(outputs="c")
    assert world.run().contents() == world.run(name="fresh").contents()


@pytest.mark.parametrize("which", range(7))
def test_what_somebody_deleted_comes_back(world, capsys, which):
    """Each kind of file that a build leaves, the state's own included."""
    world.fill()
    first = world.run().contents()
    out = world.folder / "out"
    kinds = [
        ["c/red fox/A/i000.jpg", "t/train-00000"],
        ["c/.build/journal.jsonl", "c/.build/progress.json"],
        ["c/train.json", "c/preview.html"],
        ["c/make_classification_dataset_ledger.json"],
        ["c/dataset_info.json"],
        ["t/label_map.pbtxt", "t/dataset_info.json"],
        ["c/detections_final.pkl", "c/detections_final.json"],
    ]
    for name in kinds[which]:
        (out / name).unlink()
    again = world.run()
    assert again.status == 0
    assert again.contents() == first
    assert "nothing to do" not in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("name", ["test.json", LEDGER])
@pytest.mark.parametrize("damage", [None, bytes])
def test_closing_files_come_back_without_cutting_anew(world, capsys, name, damage):
    world.fill()
    first = world.run()
    before, whole = times(first), first.contents()
    path = first.coco / name
    path.unlink() if damage is None else path.write_bytes(damage(path.stat().st_size))
    capsys.readouterr()
    assert world.run().status == 0
    assert f"making again what is gone or changed: main/{name}\n" in capsys.readouterr().err
    assert times(first) == before
    assert first.contents() == whole


DAMAGE = {
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "noise": lambda content: bytes(i * 37 % 256 for i in range(len(content))),
    "half": lambda content: content[: len(content) // 2],
    "another shape": lambda content: b'{"inputs": 1, "shards": {"train": 3}}\n[["crop"]]\n',
    "deep": lambda content: b"[" * 100_000,
}


@pytest.mark.parametrize("name", ["progress.json", "journal.jsonl", "folder.json"])
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("flags", [(), ("--padding_factor", 1.2)])
def test_a_state_that_cannot_be_read_is_begun_anew_in_one_line(world, capsys, name, damage, flags):
    world.fill()
    world.run("--multiple_detections", "all")
    path = world.folder / "out" / "c" / ".build" / name
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    capsys.readouterr()
    again = world.run("--multiple_detections", "all", *flags)
    said = capsys.readouterr().err
    assert again.status == 0
    assert said.count("building anew: ") == 1
    assert "Traceback" not in said
    fresh = world.run("--multiple_detections", "all", *flags, name="fresh")
    assert again.contents() == fresh.contents()


def test_a_strangers_file_survives_a_damaged_state(world, capsys):
    world.fill().run()
    (world.folder / "out" / "c" / ".build" / "journal.jsonl").write_bytes(b"")
    stranger = world.folder / "out" / "c" / "red fox" / "A" / "mine.jpg"
    stranger.write_text("mine", encoding="utf-8")
    assert world.run().status == 2
    assert "holds red fox/A/mine.jpg" in error(capsys)


@pytest.mark.parametrize("name", ["c/train-00000", "c/red fox/A/i000.jpg"])
def test_a_file_of_another_length_is_not_believed(world, name):
    world.fill()
    first = world.run(outputs="c").contents() if "jpg" in name else None
    if first is None:
        words = world.words(outputs="c")
        folder = words[words.index("--coco_style_output") + 1]
        both = [*words, "--tfrecords_output", folder]
        assert make_classification_dataset.main(both) == 0
    path = world.folder / "out" / name
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    if first is None:
        assert make_classification_dataset.main(both) == 0
    else:
        assert world.run(outputs="c").contents() == first
    assert path.read_bytes() == content


@pytest.mark.parametrize("where", ["c/red fox", "c/elsewhere", "c/.build", "t/deep/down"])
def test_a_link_to_a_folder_is_refused_before_anything_is_written(world, capsys, where):
    target = world.folder / "target"
    target.mkdir()
    link = world.folder / "out" / where
    link.parent.mkdir(parents=True)
    link.symlink_to(target, target_is_directory=True)
    assert world.fill().run().status == 2
    assert f"holds {where[2:]}, which no run of this tool wrote" in error(capsys)
    assert not list(target.iterdir())
    made = [p for p in (world.folder / "out").rglob("*") if not p.is_dir() and not p.is_symlink()]
    assert made == []


def test_a_link_that_appears_later_is_refused_too(world, capsys):
    world.fill()
    built = world.run()
    shutil.rmtree(built.coco / "red fox")
    target = world.folder / "target"
    target.mkdir()
    (built.coco / "red fox").symlink_to(target, target_is_directory=True)
    assert world.run().status == 2
    assert "holds red fox, which no run of this tool wrote" in error(capsys)
    assert not list(target.iterdir())


def test_an_output_folder_may_be_a_link_itself(world):
    target = world.folder / "target"
    target.mkdir()
    (world.folder / "out").mkdir()
    (world.folder / "out" / "c").symlink_to(target, target_is_directory=True)
    assert world.fill().run().status == 0
    assert (target / "train.json").is_file()


def test_an_index_that_a_training_left_is_known_and_goes_with_its_shards(world, capsys):
    world.fill()
    built = world.run()
    index = built.records / "test_index.npz"
    index.write_bytes(b"of a training")
    assert world.run().status == 0
    assert "nothing to do" in error(capsys)
    assert index.exists()
    assert world.run("--padding_factor", 1.2).status == 0
    assert not index.exists()


def test_a_folder_that_somebody_deleted_comes_back(world):
    world.fill()
    first = world.run().contents()
    shutil.rmtree(world.folder / "out" / "t")
    assert world.run().contents() == first


def test_a_picture_that_was_missing_is_taken_when_it_is_there(world):
    world.fill()
    path = world.add("late", location="A")
    assert world.run().dropped() == {"missing": ["A/late.jpg"]}
    world.picture(path)
    again = world.run()
    assert again.dropped() == {}
    assert again.contents() == world.run(name="fresh").contents()


def test_a_picture_that_was_truncated_is_taken_when_it_is_whole(world):
    world.fill()
    path = world.add("torn", location="A")
    whole = world.picture(path).read_bytes()
    path.write_bytes(whole[:500])
    assert world.run().dropped() == {"truncated": ["A/torn.jpg"]}
    path.write_bytes(whole)
    assert world.run().dropped() == {}


@pytest.mark.parametrize("place", ["c/notes.txt", "c/red fox/A/mine.jpg", "t/train-00000.bak"])
def test_files_of_strangers_stop_a_rebuild_before_anything_is_touched(world, capsys, place):
    world.fill()
    first = world.run()
    stranger = world.folder / "out" / place
    stranger.write_text("mine", encoding="utf-8")
    before = first.contents()
    assert world.run("--padding_factor", 2).status == 2
    assert f"holds {place[2:]}, which no run of this tool wrote" in error(capsys)
    assert first.contents() == before


@pytest.mark.parametrize("place", ["c/train.json", "t/train-00000", "t/a/b.txt"])
def test_a_filled_folder_of_somebody_else_is_not_touched(world, capsys, place):
    stranger = world.folder / "out" / place
    stranger.parent.mkdir(parents=True)
    stranger.write_text("mine", encoding="utf-8")
    assert world.fill().run().status == 2
    assert f"holds {place[2:]}, which no run of this tool wrote" in error(capsys)
    assert stranger.read_text(encoding="utf-8") == "mine"


def test_an_empty_folder_may_be_used(world):
    (world.folder / "out" / "c").mkdir(parents=True)
    assert world.fill().run().status == 0


def test_two_runs_do_not_write_into_one_folder(world, capsys):
    world.fill()
    with locks.locked(world.folder / "out" / "c" / ".build" / "lock"):
        assert world.run().status == 2
    assert "another run is writing here" in error(capsys)


@pytest.mark.parametrize("suffix", ["pkl", "json"])
def test_the_final_detections_rebuild_the_same_dataset(world, suffix):
    world.fill()
    world.add("none", boxes=[(0.1, 0.1, 0.1, 0.1, 0.001)], location="A")
    world.picture(world.folder / "images" / "A" / "none.jpg")
    first = world.run()
    words = world.words(name="again", detections=False)
    made = first.coco / f"detections_final.{suffix}"
    assert make_classification_dataset.main([*words, "--use_detection_file", str(made)]) == 0
    again = world.folder / "again"
    for path in sorted((world.folder / "out").rglob("*")):
        twin = again / path.relative_to(world.folder / "out")
        if path.is_file() and ".build" not in path.parts and path.name != "detections_final.json":
            assert twin.read_bytes() == path.read_bytes(), twin


def test_a_runs_own_final_detections_may_be_its_input(world):
    world.fill()
    first = world.run().contents()
    words = world.words(detections=False)
    made = str(world.folder / "out" / "c" / "detections_final.pkl")
    assert make_classification_dataset.main([*words, "--use_detection_file", made]) == 0
    built = world.folder / "out" / "c"
    for name, content in first.items():
        if name.startswith("c/") and not name.endswith("detections_final.json"):
            assert (built / name[2:]).read_bytes() == content


def test_crops_and_records_are_those_of_one_process_with_four(world):
    world.fill(30)
    one = world.run().contents()
    words = world.words(name="four")
    words[words.index("--workers") + 1] = "4"
    assert make_classification_dataset.main(words) == 0
    assert world.run(name="four").contents() == one  # complete: only looks


def test_a_full_disk_is_told_and_the_next_run_goes_on(world, capsys, monkeypatch):
    world.fill(30)
    whole = world.run(name="whole").contents()
    frame, written = tfrecord.frame, []

    def full_after_ten(payload):
        written.append(payload)
        if len(written) > 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return frame(payload)

    with monkeypatch.context() as patch:
        patch.setattr(tfrecord, "frame", full_after_ten)
        assert world.run().status == 2
    assert error(capsys).endswith("No space left on device")
    assert world.run().contents() == whole


def test_names_as_long_as_a_file_system_takes_them(world):
    world.picture(world.add("a", file=f"{'é' * 125}.jpg"))
    assert world.run(*ONE).status == 0
