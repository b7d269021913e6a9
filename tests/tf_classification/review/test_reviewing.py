"""review_mislabeled: what the pages show, and what they do not."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from markupsafe import Markup
from PIL import Image

from database_tools import import_labels
from database_tools.core import boxes as box_rows
from database_tools.core.errors import UserError
from database_tools.formats import candidates_csv
from database_tools.formats.candidates_csv import Candidate
from tf_classification import review_mislabeled
from tf_classification.predictions import mislabeled
from tf_classification.review import deciding
from tf_classification.review.deciding import Item, Mark, Task


def facts(page):
    return json.loads(unescape(re.search(r'data-facts="([^"]*)"', page)[1]))


def keys(page):
    return [unescape(key) for key in re.findall(r'data-key="([^"]*)"', page)]


def article(page, name):
    return next(part for part in page.split("<article")[1:] if f'data-key="{name}"' in part)


@pytest.fixture(scope="module")
def made(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "review"
    words = world.words(out, "-i", world.images, "-j", world.detections)
    assert review_mislabeled.main(words) == 0
    return out, (out / "index.html").read_text(encoding="utf-8")


def test_a_picture_is_shown_with_all_its_crops_and_what_they_are_taken_for(made):
    _, page = made
    # by margin: .91, .5, .4; b/3.jpg is taken for a human
    assert keys(page) == ["caltech/c.jpg", "idfg/a/0.jpg", "idfg/b/2 é.jpg"]
    first = article(page, "idfg/a/0.jpg")
    assert 'data-own="wolf"' in first
    assert 'data-predicted="cervid"' in first
    assert "cervid 95.0%, canid 4.0%" in first
    assert "<figcaption>canid 90.0%</figcaption>" in first
    assert "margin 0.91" in first
    assert first.count('class="box"') == 2
    assert facts(page)["choices"] == {
        "idfg": [["wolf", "canid"], ["muledeer", "cervid"], ["fox", "canid"]],
        "caltech": [["coyote", "canid"]],
    }


def test_people_are_covered_and_left_out_unless_asked_for(made, world, tmp_path):
    out, page = made
    assert "b/3.jpg" not in page
    (whole,) = re.findall(r'src="(\S+)" alt="the whole of idfg/a/0.jpg"', page)
    with Image.open(out / whole) as picture:
        assert picture.size == (1024, 768)
        x, y, width, height = persons_box(picture)
        assert max(abs(a - 128) for a in picture.getpixel((x + width // 2, y + height // 2))) < 6
        assert picture.getpixel((10, 10))[2] > 190
    words = world.words(tmp_path / "all", "-i", world.images, "-j", world.detections)
    assert review_mislabeled.main([*words, "--show_people"]) == 0
    shown = (tmp_path / "all" / "index.html").read_text(encoding="utf-8")
    assert "idfg/b/3.jpg" in keys(shown)
    (whole,) = re.findall(r'src="(\S+)" alt="the whole of idfg/a/0.jpg"', shown)
    with Image.open(tmp_path / "all" / whole) as picture:
        assert picture.getpixel((x + width // 2, y + height // 2))[2] > 190


def persons_box(picture):
    return box_rows.to_pixels((0.5, 0.25, 0.25, 0.5), *picture.size)[0].astype(int).tolist()


def test_pages_speak_of_nothing_outside_their_folder(made, world):
    out, page = made
    assert str(world.folder) not in page
    assert "file://" not in page
    sources = re.findall(r' src="([^"]*)"', page)
    assert sources
    assert all(re.fullmatch(r"pictures/[0-9a-f]{24}\.jpg", source) for source in sources)
    assert {path.name for path in (out / "pictures").iterdir()} == {s[9:] for s in sources}
    for path in (out / "pictures").iterdir():
        with Image.open(path) as picture:
            assert not picture.getexif()
            assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_the_database_offers_all_classes_and_knows_bursts(world, tmp_path):
    images = [
        {"id": str(i), "file_name": f"a/{i}.jpg", "location": "1", "seq_id": "s"} for i in (0, 1)
    ]
    names = ["wolf", "empty", "muledeer"]
    table = {
        "images": images,
        "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
        "annotations": [{"id": str(i), "image_id": str(i), "category_id": i} for i in (0, 1)],
    }
    (tmp_path / "cct.json").write_text(json.dumps(table))
    db, spec, taxonomy = (tmp_path / name for name in ("labels.db", "spec.json", "taxonomy.csv"))
    words = [str(db), str(tmp_path / "cct.json"), "--dataset", "idfg"]
    assert import_labels.main(words) == 0
    labels = {"canid": ["wolf", "fox", "dog"], "cervid": ["muledeer"]}
    spec.write_text(
        json.dumps({label: {"dataset_labels": {"idfg": names}} for label, names in labels.items()})
    )
    taxonomy.write_text(
        "dataset_name,query,source,taxonomy_level,scientific_name,taxonomy_string\n"
    )
    words = world.words(tmp_path / "out", "--label-spec", spec, "--taxonomy-csv", taxonomy)
    assert review_mislabeled.main([*words, "--db", str(db)]) == 0
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    offered = dict(facts(page)["choices"]["idfg"])
    assert offered == {
        "wolf": "canid", "fox": "canid", "dog": "canid", "muledeer": "cervid", "empty": "",
    }  # fmt: skip
    # a/1.jpg is of the burst of a/0.jpg
    assert "a/1.jpg___crop00" in article(page, "idfg/a/0.jpg")
    assert "a/1.jpg___crop00" not in article(page, "idfg/b/2 é.jpg")


def test_the_table_of_a_finder_is_read_too(world, tmp_path):
    paths = [f"idfg/a/{i}.jpg___crop00_mdv4.1.jpg" for i in (0, 1)]
    row = Candidate(
        paths[1], "idfg/a/1.jpg", "idfg", "1", "canid", "cervid", 0.8, 0.6, 0.9, "its burst",
        (paths[0],),
    )  # fmt: skip
    candidates_csv.write(tmp_path / "candidates.csv", [row])
    words = [world.base, world.crops, tmp_path / "out", tmp_path / "candidates.csv"]
    assert review_mislabeled.main([str(word) for word in words]) == 0
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert keys(page) == ["idfg/a/1.jpg"]
    assert "its burst" in page
    assert paths[0] in page


def test_a_burst_shows_no_people_unless_asked_for(world, tmp_path):
    path, person = (f"idfg/b/{i}.jpg___crop00_mdv4.1.jpg" for i in ("2 é", "3"))
    rows = [
        Candidate(path, "idfg/b/2 é.jpg", "idfg", "2", "cervid", "canid", 0.7, 0.5, 0.9, "",
                  (person,)),
        Candidate(person, "idfg/b/3.jpg", "idfg", "2", "canid", "human", 0.8, 0.6, 0.8, ""),
    ]  # fmt: skip
    candidates_csv.write(tmp_path / "candidates.csv", rows)
    words = [world.base, world.crops, tmp_path / "out", tmp_path / "candidates.csv"]
    for more, shown in ((), 0), (("--show_people",), 1):
        assert review_mislabeled.main([str(word) for word in (*words, *more)]) == 0
        page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
        assert article(page, "idfg/b/2 é.jpg").count("b/3.jpg") == shown
        assert ("idfg/b/3.jpg" in keys(page)) == bool(shown)


def test_lists_may_name_the_dataset_or_not(world, tmp_path):
    (tmp_path / "outputs_test.csv.gz").write_bytes(
        (world.base / "run" / "outputs_test.csv.gz").read_bytes()
    )
    path = tmp_path / "mislabeled_candidates_test_idfg.txt"
    path.write_text("b/2 é.jpg\nidfg/a/0.jpg\n", encoding="utf-8")
    found = mislabeled.listed(path)
    # all crops of both, by margin
    assert [(crop.image, round(crop.margin, 2)) for crop in found] == [
        ("idfg/a/0.jpg", 0.91), ("idfg/b/2 é.jpg", 0.5), ("idfg/a/0.jpg", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["-i", "images"], "give --detections-json or --detector-output-cache-dir"),
        (["-j", "x.json"], "say --images-dir too"),
        (["-n", "0"], "--number must be at least 1, got 0"),
        (["--label-spec", "x.json"], "--label-spec and --taxonomy-csv go together"),
        (["-i", "images", "-c", "cache"], "needs --detector-version"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(world, tmp_path, capsys, more, said):
    assert review_mislabeled.main(world.words(tmp_path / "out", *more)) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "lines", "said"),
    [
        ("mine.txt", "a/0.jpg", "no table of candidates is called"),
        ("mislabeled_candidates_test_idfg.txt", "a/9.jpg", "a/9.jpg: no crop of it in"),
        ("mislabeled_candidates_val_idfg.txt", "a/0.jpg", "outputs_val.csv.gz: no such file"),
    ],
)
def test_a_list_that_does_not_fit_is_named(world, tmp_path, capsys, name, lines, said):
    outputs = world.base / "run" / "outputs_test.csv.gz"
    (tmp_path / outputs.name).write_bytes(outputs.read_bytes())
    (tmp_path / name).write_text(f"{lines}\n")
    words = [world.base, world.crops, tmp_path / "out", tmp_path / name]
    assert review_mislabeled.main([str(word) for word in words]) == 2
    assert said in capsys.readouterr().err


def write(folder, number):
    task = Task("review", "t", "l", "f.csv", (), (Mark("u", "unknown", "?"),), {})
    items = [Item(f"d/{i}.jpg", Markup("<p>{}</p>").format(i)) for i in range(number)]
    return deciding.write(folder, "test", task, lambda pictures: items)


def test_many_are_on_numbered_pages_and_what_is_old_goes(tmp_path):
    folder = tmp_path / "out"
    assert write(folder, 1001) == 1001
    pages = [(folder / name).read_text() for name in ("index.html", "page-2.html", "page-3.html")]
    assert [len(keys(page)) for page in pages] == [500, 500, 1]
    assert '<a href="page-3.html">3</a>' in pages[0]
    (folder / "mislabeled_images.csv").write_text("mine")
    write(folder, 0)
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "index.html", "mislabeled_images.csv",
    ]  # fmt: skip


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "index.html").write_text("theirs")
    with pytest.raises(UserError, match=r"holds index\.html"):
        write(tmp_path, 1)
    assert (tmp_path / "index.html").read_text() == "theirs"
