"""audit_splits: what leaks from one side to another is found, shown and mended."""

import json
import shutil

import pytest
from PIL import ImageOps

from database_tools import audit_splits, import_labels
from database_tools.formats import classification_csv, picture_hashes, splits_json

SIDES = {"train": "abcd", "val": "ef", "test": "gh"}


def crop_name(place, n):
    return f"ds/{place}/img_{10 * n:04}.jpg___crop00_mdv4.1.jpg"


def write_splits(folder, sides):
    parts = {name: [["ds", place] for place in places] for name, places in sides.items()}
    (folder / "splits.json").write_text(json.dumps(parts), "utf-8")


def write_table(folder, places="abcdefgh", moved=()):
    """Two crops at each place, a fox and a hare; ``moved`` maps places to other names."""
    rows = [
        classification_csv.Crop(
            crop_name(place, n), "ds", dict(moved).get(place, place), "x", 0.9, (label,)
        )
        for place in places
        for n, label in enumerate(("fox", "hare"))
    ]
    classification_csv.write(folder / classification_csv.NAME, rows)


@pytest.fixture(scope="module")
def clean(tmp_path_factory, scene):
    folder = tmp_path_factory.mktemp("clean")
    for number, place in enumerate("abcdefgh"):
        for n in range(2):
            path = folder / "crops" / crop_name(place, n)
            path.parent.mkdir(parents=True, exist_ok=True)
            scene(2 * number + n).save(path, quality=90)
    write_table(folder)
    write_splits(folder, SIDES)
    return folder


@pytest.fixture
def dataset(clean, tmp_path):
    shutil.copytree(clean, tmp_path, dirs_exist_ok=True)
    return tmp_path


def run(folder, *words):
    words = [str(word) for word in words]
    return audit_splits.main([str(folder), "-c", str(folder / "crops"), *words])


def leaks(folder, *words):
    """Run the command; return the leaks of its JSON."""
    path = folder / "leaks.json"
    status = run(folder, "--json", path, *words)
    found = json.loads(path.read_text("utf-8"))["leaks"]
    assert status == (1 if found else 0)
    return found


def kinds(found):
    return [leak["kind"] for leak in found]


def annotations(folder, images):
    path = folder / "cct.json"
    table = {"categories": [{"id": 0, "name": "fox"}], "annotations": [], "images": images}
    path.write_text(json.dumps(table), "utf-8")
    return path


def image(place, n, **more):
    file = f"{place}/img_{10 * n:04}.jpg"
    return {"id": file, "file_name": file, "location": place, **more}


def test_a_clean_dataset_leaks_nothing_and_says_what_was_not_looked_at(dataset, capsys):
    assert run(dataset) == 0
    said = capsys.readouterr().out
    assert "near-duplicate crop on two sides          0" in said
    assert "not looked at: sequences and bursts: give --db or --input_json" in said
    assert "hare                      4 (4)  2 (2)  2 (2)" in said
    assert audit_splits.main([str(dataset)]) == 0
    assert "near-duplicate crops: give --cropped-images-dir" in capsys.readouterr().out


def test_a_location_in_two_splits_is_told_with_status_1(dataset, capsys):
    write_splits(dataset, {**SIDES, "val": "aef"})
    (leak,) = leaks(dataset)
    assert leak == {
        "kind": "location on two sides",
        "splits": ["train", "val"],
        "locations": [["ds", "a"], ["ds", "a"]],
        "pictures": [],
    }
    assert "train ds/a  val ds/a" in capsys.readouterr().out


def test_a_location_under_two_names(dataset):
    write_table(dataset, moved={"a": "Site 07", "g": "site_7"})
    write_splits(dataset, {"train": ["Site 07", *"bcd"], "val": "ef", "test": ["site_7", "h"]})
    (leak,) = leaks(dataset)
    assert leak["kind"] == "location under two names"
    assert leak["locations"] == [["ds", "Site 07"], ["ds", "site_7"]]


def test_pictures_of_no_location_are_no_location_of_two_names(dataset):
    write_table(dataset, moved={"a": "unknown_location", "g": "UNKNOWN LOCATION"})
    sides = {"train": ["unknown_location", *"bcd"], "val": "ef", "test": ["UNKNOWN LOCATION", "h"]}
    write_splits(dataset, sides)
    assert leaks(dataset) == []


@pytest.mark.parametrize("source", ["--input_json", "--db"])
def test_a_sequence_on_two_sides_and_a_burst_cut_in_two(dataset, source, capsys):
    # img_0000 of a and of h are one sequence; img_0010 of b, and a file of f beside it, a burst.
    images = [image(place, n) for place in "abcdefgh" for n in range(2)]
    images[0]["seq_id"] = images[14]["seq_id"] = "s1"
    images[3]["datetime"], images[11]["datetime"] = "2021-05-01 03:44:54", "2021:05:01 03:44:59"
    images[11]["file_name"] = images[11]["id"] = "b/img_0012.jpg"
    old, new = dataset / "crops" / crop_name("f", 1), "ds/b/img_0012.jpg___crop00_mdv4.1.jpg"
    shutil.move(old, dataset / "crops" / new)
    rows = [
        row._replace(path=new) if row.path == crop_name("f", 1) else row
        for row in classification_csv.read(dataset / classification_csv.NAME)
    ]
    classification_csv.write(dataset / classification_csv.NAME, rows)
    path = annotations(dataset, images)
    if source == "--db":
        annotated = json.loads(path.read_text("utf-8"))
        annotated["annotations"] = [{"id": 1, "image_id": images[0]["id"], "category_id": 0}]
        path.write_text(json.dumps(annotated), "utf-8")
        assert import_labels.main([str(dataset / "l.db"), str(path), "--dataset", "ds"]) == 0
        path = dataset / "l.db"
    found = leaks(dataset, source, path)
    assert kinds(found) == ["sequence on two sides", "burst cut in two"]
    assert found[0]["pictures"] == [crop_name("a", 0), crop_name("h", 0)]
    assert found[1]["pictures"] == [crop_name("b", 1), new]
    assert "bursts of 14 pictures: nobody knows their time" in capsys.readouterr().out


def test_pictures_that_nobody_lists_are_counted(dataset, capsys):
    assert leaks(dataset, "--input_json", annotations(dataset, [image("a", 0)])) == []
    assert "sequences and bursts of 15 pictures: nobody lists them" in capsys.readouterr().out


def test_equal_bytes_and_copies_that_look_alike(dataset, scene):
    shutil.copy(dataset / "crops" / crop_name("b", 0), dataset / "crops" / crop_name("e", 1))
    ImageOps.mirror(scene(3)).save(dataset / "crops" / crop_name("g", 0), quality=50)
    found = leaks(dataset)
    assert kinds(found) == ["equal picture on two sides", "near-duplicate crop on two sides"]
    assert found[0]["pictures"] == [crop_name("b", 0), crop_name("e", 1)]
    assert found[1]["pictures"] == [crop_name("b", 1), crop_name("g", 0)]
    assert found[1]["splits"] == ["train", "test"]


def test_what_is_alike_on_one_side_is_no_leak(dataset):
    shutil.copy(dataset / "crops" / crop_name("g", 0), dataset / "crops" / crop_name("h", 0))
    assert leaks(dataset) == []


def test_equal_whole_pictures_whose_crops_differ(dataset, scene):
    for place in "ag":
        path = dataset / "images" / "ds" / place / "img_0000.jpg"
        path.parent.mkdir(parents=True)
        scene(99).save(path)
    (leak,) = leaks(dataset, "--images-dir", dataset / "images")
    assert leak["pictures"] == ["ds/a/img_0000.jpg", "ds/g/img_0000.jpg"]


def test_unreadable_crops_are_counted_and_all_of_them_are_an_error(dataset, capsys):
    (dataset / "crops" / crop_name("a", 0)).write_bytes(b"no picture")
    assert run(dataset) == 0
    ledger = json.loads((dataset / "audit_splits_ledger.json").read_text("utf-8"))
    assert (ledger["total"], ledger["kept"]) == (16, 15)
    shutil.rmtree(dataset / "crops")
    assert run(dataset) == 2
    assert "16 of 16 were left out: 16 missing" in capsys.readouterr().err


def test_the_page_shows_pairs_side_by_side_but_no_people(dataset):
    for place in "eh":
        copy = dataset / "crops" / crop_name(place, 1)
        shutil.copy(dataset / "crops" / crop_name("b", "eh".index(place)), copy)
    table = dataset / classification_csv.NAME
    rows = [
        row._replace(labels=("person",))
        if row.path in (crop_name("b", 0), crop_name("e", 1))
        else row
        for row in classification_csv.read(table)
    ]
    classification_csv.write(table, rows)
    page = dataset / "audit.html"
    assert run(dataset, "--page", page) == 1
    text = page.read_text("utf-8")
    assert text.count("<img") == 2  # of the hares, not of the people
    assert crop_name("e", 1) in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_fix_moves_whole_locations_never_out_of_test(dataset):
    write_splits(dataset, {**SIDES, "val": "aef"})  # a: two splits
    shutil.copy(dataset / "crops" / crop_name("b", 0), dataset / "crops" / crop_name("g", 0))
    shutil.copy(dataset / "crops" / crop_name("c", 0), dataset / "crops" / crop_name("b", 1))
    assert run(dataset, "--fix", dataset / "fixed.json") == 1
    fixed = splits_json.read(dataset / "fixed.json")
    assert fixed["test"] == {("ds", place) for place in "bcgh"}  # c looks like b, b like g
    assert fixed["train"] == {("ds", place) for place in "ad"}
    assert fixed["val"] == {("ds", place) for place in "ef"}
    shutil.copy(dataset / "fixed.json", dataset / "splits.json")
    assert run(dataset) == 0


def test_fix_may_change_test_when_it_is_told_so(dataset):
    shutil.copy(dataset / "crops" / crop_name("b", 0), dataset / "crops" / crop_name("g", 0))
    assert run(dataset, "--fix", dataset / "fixed.json", "--may_change_test") == 1
    fixed = splits_json.read(dataset / "fixed.json")
    assert fixed["train"] == {("ds", place) for place in "abcdg"}  # of equals train
    assert fixed["test"] == {("ds", "h")}


def test_fix_refuses_when_a_label_would_lose_a_split(dataset, capsys):
    write_splits(dataset, {"train": "abcdef", "val": "g", "test": "h"})
    shutil.copy(dataset / "crops" / crop_name("g", 0), dataset / "crops" / crop_name("h", 0))
    assert run(dataset, "--fix", dataset / "fixed.json") == 2
    assert "--fix: fox would have no crop left in val if ds/g moved" in capsys.readouterr().err
    assert not (dataset / "fixed.json").exists()


def test_contains_tells_what_a_picture_is_and_its_split(dataset, scene, capsys):
    assert run(dataset) == 0
    shutil.rmtree(dataset / "crops")  # the hashes are enough
    asked = [dataset / name for name in ("same.jpg", "copy.png", "other.jpg")]
    scene(12).save(asked[0], quality=90)
    scene(4).resize((90, 75)).save(asked[1])
    scene(77).save(asked[2])
    capsys.readouterr()
    assert audit_splits.main([str(dataset), "--contains", *map(str, asked)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{asked[0]}: is {crop_name('g', 0)}, in test",
        f"{asked[1]}: looks like {crop_name('c', 0)}, in train",
        f"{asked[2]}: not in the dataset",
    ]


def test_contains_knows_whole_pictures_that_were_given(dataset, scene, capsys):
    for place in "abcdefgh":
        path = dataset / "images" / "ds" / place / "img_0010.jpg"
        path.parent.mkdir(parents=True)
        scene(200 + ord(place)).save(path)
    assert run(dataset, "-i", dataset / "images") == 0
    scene(200 + ord("f")).save(dataset / "mine.png")
    capsys.readouterr()
    assert audit_splits.main([str(dataset), "--contains", str(dataset / "mine.png")]) == 0
    assert "looks like ds/f/img_0010.jpg, in val" in capsys.readouterr().out


def test_contains_says_what_its_no_leaves_open(dataset, scene, capsys):
    scene(77).save(dataset / "other.jpg")

    def told():
        capsys.readouterr()
        assert audit_splits.main([str(dataset), "--contains", str(dataset / "other.jpg")]) == 0
        return capsys.readouterr().err

    assert run(dataset) == 0
    assert "did not look at 16 crops and whole pictures of the dataset, e.g. ds/a/img" in told()
    for place in "abcdefgh":
        for n in range(2):
            path = dataset / "images" / "ds" / place / f"img_{10 * n:04}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            scene(200 + 2 * ord(place) + n).save(path)
    assert run(dataset, "-i", dataset / "images") == 0
    assert "WARNING" not in told()
    write_table(dataset, places="abcdefghi")  # the dataset is made again, and not audited
    assert "did not look at 4 crops and whole pictures" in told()


@pytest.mark.parametrize("flag", ["--fix", "--json", "--page", "-c", "-i", "--db"])
def test_contains_refuses_flags_that_it_would_ignore(dataset, capsys, flag):
    words = [str(dataset), "--contains", "a.jpg", flag, str(dataset / "x")]
    assert audit_splits.main(words) == 2
    assert "--contains asks what an audit has kept: leave out --" in capsys.readouterr().err
    assert not (dataset / "x").exists()


def test_contains_needs_hashes_and_a_picture(dataset, capsys):
    words = [str(dataset), "--contains", str(dataset / "none.jpg")]
    assert audit_splits.main(words) == 2
    assert "audit_splits with --cropped-images-dir makes it" in capsys.readouterr().err
    assert run(dataset) == 0
    assert audit_splits.main(words) == 2
    assert "none.jpg: missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--may_change_test"], "--may_change_test needs --fix"),
        (["--workers", "0"], "--workers must be at least 1, got 0"),
        (["--db", "a", "--input_json", "b"], "give --db or --input_json, not both"),
    ],
)
def test_impossible_requests_are_one_line(dataset, words, said, capsys):
    assert run(dataset, *words) == 2
    assert said in capsys.readouterr().err


def test_the_same_dataset_gives_the_same_hashes_for_any_number_of_threads(dataset):
    path = dataset / picture_hashes.NAME
    contents = set()
    for workers in (1, 3):
        assert run(dataset, "--workers", workers) == 0
        contents.add(path.read_bytes())
    assert len(contents) == 1
    assert picture_hashes.read(path).names[0] == crop_name("a", 0)


def test_a_table_of_somebody_elses_names_is_audited_too(dataset, capsys):
    crops, table = dataset / "crops", dataset / classification_csv.NAME
    shutil.copy(crops / crop_name("a", 0), crops / "fox1.jpg")
    shutil.copy(crops / crop_name("a", 0), crops / "fox2.jpg")
    rows = [
        classification_csv.Crop(f"fox{n}.jpg", "ds", place, "x", 0.9, ("fox",))
        for n, place in ((1, "a"), (2, "g"))
    ]
    classification_csv.write(table, rows)
    (leak,) = leaks(dataset)
    assert leak["pictures"] == ["fox1.jpg", "fox2.jpg"]
