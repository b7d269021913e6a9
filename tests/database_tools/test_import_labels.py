"""import_labels: every kind of source through the command, and what it leaves behind."""

from __future__ import annotations

import json
import math
import sqlite3
import zipfile

import pytest

from database_tools import import_labels
from database_tools.formats import ledger_json
from database_tools.labels_db.database import LabelDatabase

SEQUENCES = [
    {
        "dataset": "idfg",
        "seq_id": "s1",
        "location": 13,
        "class": ["elk"],
        "images": [
            {"file": "a/1.jpg", "frame_num": 1, "datetime": "2020-05-01 03:44:54"},
            {"file": "a/2.jpg", "frame_num": 2, "class": ["deer"], "bbox": []},
        ],
    },
    {
        "dataset": "idfg",
        "seq_id": "dummy_7",
        "location": {"site": 2, "camera": "b"},
        "images": [
            {
                "file": "b.jpg",
                "class": ["elk"],
                "bbox": [{"category": "animal", "bbox": [0, 0.347, 0.237, 0.257]}],
            },
            {"file": "c.jpg", "class": ["__label_unavailable"]},
        ],
    },
    {"dataset": "other", "seq_id": "s1", "class": ["elk"], "images": [{"file": "x.jpg"}]},
]


@pytest.fixture
def db(tmp_path):
    return tmp_path / "out" / "labels.db"


def run(db, source, *flags, dataset="idfg", status=0):
    words = [db, source, "--dataset", dataset, *flags]
    assert import_labels.main([str(word) for word in words]) == status


def ask(db, *labels, dataset="idfg"):
    with LabelDatabase(db) as database:
        return list(database.images(dataset, labels))


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_megadb_sequences(tmp_path, db):
    run(db, write(tmp_path / "megadb.json", SEQUENCES), "--path-prefix", "images")
    first, boxed = ask(db, "elk")
    assert (first.file, first.location, first.sequence, first.of_sequence) == (
        *("images/a/1.jpg", 13, "s1"),
        True,
    )
    assert (boxed.file, boxed.location, boxed.sequence, boxed.of_sequence) == (
        *("images/b.jpg", '{"camera": "b", "site": 2}', None),
        False,
    )
    assert boxed.boxes == (("animal", 0, 0.347, 0.237, 0.257),)  # the README's box, digit by digit
    (deer,) = ask(db, "deer")  # the picture's own class counts before its burst's
    assert deer.boxes == ()
    assert ask(db, "__label_unavailable") == []
    ledger = ledger_json.read(db.parent / "import_labels_ledger.json")
    assert (ledger.total, ledger.kept) == (4, 4)


def test_ids_of_sequences_may_be_numbers(tmp_path, db):
    run(db, write(tmp_path / "megadb.json", [{**SEQUENCES[0], "seq_id": 7}]))
    assert ask(db, "elk")[0].sequence == "7"


def test_coco_with_nan_a_mark_and_unlisted_pictures(tmp_path, db, capsys):
    table = {
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [-10, 10, 60, 200]},
            {"id": 2, "image_id": 9, "category_id": 1},
        ],
        "images": [
            {"id": 7, "file_name": "a.jpg", "site": math.nan, "width": 100, "height": 100},
        ],
        "categories": [{"id": 1, "name": "red fox"}],
    }
    source = write(tmp_path / "cct.json", "\ufeff" + json.dumps(table))
    run(db, source, "--location-key", "site")
    (fox,) = ask(db, "red fox")
    assert fox.location is None
    assert fox.boxes == (("animal", 0, 0.1, 0.5, 0.9),)  # what reaches out of the picture is cut
    ledger = ledger_json.read(db.parent / "import_labels_ledger.json")
    assert ledger.beside == {"annotation of an image that is not listed": ["9"]}
    assert "1 annotation of an image that is not listed" in capsys.readouterr().err


def test_a_csv_whose_columns_have_other_names(tmp_path, db):
    rows = "path,species,site\na.jpg,elk,013\nb.jpg,elk,\nc.jpg,elk,1\nc.jpg,cat,1\nd.jpg,,1\n"
    source = write(tmp_path / "labels.CSV", rows)
    run(
        db,
        source,
        *["--file-column", "path", "--label_column", "species", "--location-key", "site"],
    )
    assert [(i.file, i.location) for i in ask(db, "elk")] == [("a.jpg", "013"), ("b.jpg", None)]
    with LabelDatabase(db) as database:
        assert [i.labels for i in database.images_of_several("idfg", ["elk"])] == [("cat", "elk")]
    ledger = ledger_json.read(db.parent / "import_labels_ledger.json")
    assert (ledger.total, ledger.kept) == (4, 4)  # two rows of c.jpg are one picture


DEPLOYMENTS = [
    *("deploymentID,locationID,locationName,latitude,longitude", "d1,013,gate,1.5,2.5"),
    *("d2,NA,,3.5,4.5", "d3,,,3.5,4.5", "d4,,pond,,"),
]
MEDIA = [
    "mediaID,deploymentID,timestamp,filePath,filePublic,fileName,fileMediatype",
    "m1,d1,2020-05-30T04:57:37+02:00,https://x.org/m1/file?key=1,true,a.JPG,image/jpeg",
    "m2,d1,2020-05-30T04:57:47+02:00,media/b.jpg,true,,image/jpeg",
    "m3,d2,2020-05-30T04:57:37Z,media/c.jpg,true,,image/jpeg",
    "m4,d3,2020-05-30T04:57:37Z,media/d.jpg,true,,image/jpeg",
    "m5,d4,2020-05-30T04:57:37Z,media/e.jpg,true,,image/jpeg",
]
OBSERVATIONS = [
    "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,"
    "observationType,scientificName,bboxX,bboxY,bboxWidth,bboxHeight,classificationMethod",
    # an event from 02:57:30 to 02:57:40 UTC: m1 is in it, m2 is not
    "o1,d1,,e1,2020-05-30T02:57:30Z,2020-05-30T02:57:40Z,event,animal,Lutra lutra,,,,,human",
    "o2,d1,m2,e2,2020-05-30T02:57:47Z,2020-05-30T02:57:47Z,media,animal,Vulpes vulpes,.1,.2,.3,.4,",
    "o3,d2,m3,,2020-05-30T04:57:37Z,2020-05-30T04:57:37Z,media,blank,,,,,,human",
    "o4,d3,m4,,2020-05-30T04:57:37Z,2020-05-30T04:57:37Z,media,human,,.1,.2,.3,.4,human",
    "o5,d4,m5,,2020-05-30T04:57:37Z,2020-05-30T04:57:37Z,media,unknown,,,,,,human",
    "o6,d4,m5,,2020-05-30T04:57:37Z,2020-05-30T04:57:37Z,media,animal,Felis catus,,,,,machine",
]


def camtrap(folder, **changed):
    folder.mkdir(parents=True)
    tables = {"deployments": DEPLOYMENTS, "media": MEDIA, "observations": OBSERVATIONS, **changed}
    for name, lines in tables.items():
        write(folder / f"{name}.csv", "\n".join(lines))
    resources = [{"name": name, "path": f"{name}.csv"} for name in tables]
    write(folder / "datapackage.json", {"resources": [*resources, {"name": "extra", "data": []}]})
    return folder


@pytest.mark.parametrize("form", ["folder", "file", "zip", "zip of a folder"])
def test_a_camtrap_dp_package(tmp_path, db, form, capsys):
    source = camtrap(tmp_path / "package")
    if form == "file":
        source /= "datapackage.json"
    elif form != "folder":
        inside = "" if form == "zip" else "package/"
        with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
            for file in sorted(source.iterdir()):
                archive.write(file, inside + file.name)
        source = tmp_path / "package.zip"
    run(db, source)
    otter, fox = ask(db, "Lutra lutra", "Vulpes vulpes")
    assert (otter.file, otter.location, otter.sequence, otter.of_sequence) == (
        *("a.JPG", "013", "e1"),
        True,
    )
    assert (fox.file, fox.sequence, fox.of_sequence) == ("media/b.jpg", "e2", False)
    assert fox.boxes == (("animal", 0.1, 0.2, 0.3, 0.4),)
    empty, human = ask(db, "empty", "human")
    assert [x.location for x in (empty, human)] == ["d2", "d2"]  # the same coordinates
    assert human.boxes[0][0] == "person"
    assert ask(db, "Felis catus") == []
    assert "1 observations by machines are not read" in capsys.readouterr().err


def test_an_event_that_is_over_holds_no_picture_of_a_longer_one(tmp_path, db):
    # The elk's event goes on; the fox's began within it, and was over when b was taken.
    at = "2020-05-30T02:57:{:02}Z".format
    observations = [
        OBSERVATIONS[0],
        f"o1,d1,,e1,{at(0)},{at(59)},event,animal,elk,,,,,human",
        f"o2,d1,,e2,{at(10)},{at(20)},event,animal,fox,,,,,human",
    ]
    moments = {"a": 15, "b": 21, "c": 20}.items()
    media = [MEDIA[0], *(f"{x},d1,{at(t)},{x}.jpg,true,,image/jpeg" for x, t in moments)]
    run(db, camtrap(tmp_path / "package", media=media, observations=observations))
    assert [image.file for image in ask(db, "elk")] == ["b.jpg"]
    with LabelDatabase(db) as database:
        several = database.images_of_several("idfg", ["fox"])
        assert [image.file for image in several] == ["a.jpg", "c.jpg"]


def test_an_event_is_of_the_pictures_between_its_start_and_its_end(tmp_path, db):
    media = [MEDIA[0]] + [
        f"m{i},d1,2020-05-30T04:57:{i:02d}+02:00,f/{i}.jpg,true,,image/jpeg" for i in range(30)
    ]
    row = (
        "o{0},d1,,e{0},2020-05-30T02:57:{0:02d}Z,2020-05-30T02:57:{1:02d}Z,event,animal,Sus scrofa"
    )
    events = [OBSERVATIONS[0]] + [row.format(i, i + 4) for i in range(0, 30, 10)]
    run(db, camtrap(tmp_path / "p", media=media, observations=events))
    found = ask(db, "Sus scrofa")
    # from 0 to 4, from 10 to 14, from 20 to 24
    assert len(found) == 15
    assert {image.sequence for image in found} == {"e0", "e10", "e20"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", "nonsense", "neither JSON of COCO Camera Traps or MegaDB, nor a .csv"),
        ("x.json", '[{"dataset": "idfg"}]', "x.json: [0]: no key 'seq_id'"),
        ("x.json", [SEQUENCES[2]], "no sequence of the dataset 'idfg'; it has other"),
        ("x.json", [{**SEQUENCES[0], "images": 3}], '[0]: "images" must be a list of objects'),
        ("x.json", "[[]]", "[0]: expected an object, got []"),
        ("x.json", '[{"dataset": "idfg"', "x.json: [0]: not JSON"),
        ("x.csv", "file,label\n,elk\n", "x.csv: line 2: no file"),
        (
            "x.csv",
            "file,species\na,elk\n",
            "x.csv: line 1: no column 'label'; it has file, species",
        ),
        ("x.csv", "file,label\na,elk,7\n", "x.csv: line 2: more values than the 2 columns"),
        ("x.csv", "file,label,location\na,elk,7\na,elk,8\n", "'a' is there twice, and not alike"),
        (
            "x.json",
            '{"images": [{"id": 1, "file_name": "a"}], "categories": [{"id": 1, "name": "x"}],'
            ' "annotations": [{"id": 1, "image_id": 2, "category_id": 1}]}',
            "no image has the id '2', nor any other that is said",
        ),
    ],
)
def test_a_source_that_breaks_a_rule_is_one_line(tmp_path, db, capsys, name, content, message):
    run(db, write(tmp_path / name, content), status=2)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"media": [MEDIA[0], "m1,d9,,a.jpg,,,"]}, "line 2: no deployment has the id 'd9'"),
        ({"media": [MEDIA[0], "m1,d1,noon,a.jpg,,,"]}, "line 2: a time must be like"),
        ({"media": ["mediaID"]}, "media.csv: line 1: no column 'deploymentID'"),
    ],
)
def test_a_broken_package_is_one_line(tmp_path, db, capsys, changed, message):
    run(db, camtrap(tmp_path / "p", **changed), status=2)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "flag"),
    [
        ({"images": [], "annotations": [], "categories": []}, "--file-column"),
        (SEQUENCES, "--label-column"),
        (SEQUENCES, "--location_key"),
        ("package", "--sequence-column"),
        ("package", "--location_key"),
        (None, "--datetime-column"),
        (None, "--location_key"),
    ],
)
def test_a_column_is_named_only_where_the_source_has_it(tmp_path, db, capsys, source, flag):
    place = []
    if source is not None:
        is_package = source == "package"
        place = [camtrap(tmp_path / "p") if is_package else write(tmp_path / "x.json", source)]
    words = [db, *place, "--dataset", "idfg", flag, "site"]
    assert import_labels.main([str(word) for word in words]) == 2
    said = capsys.readouterr().err
    assert f"{place[0] if place else 'MegaDB'}: {flag} is not for a source of this kind" in said
    assert not db.exists()


def test_a_package_leads_nowhere_else(tmp_path, db, capsys):
    folder = camtrap(tmp_path / "p")
    write(folder / "datapackage.json", {"resources": [{"name": "media", "path": "../media.csv"}]})
    run(db, folder, status=2)
    assert "must have a path in the package" in capsys.readouterr().err


def test_no_secret_gets_into_the_database_or_an_error(tmp_path, db, capsys, monkeypatch):
    source = write(tmp_path / "x.csv", "file,label\na,elk\n")
    monkeypatch.setenv("IDFG_SAS", "sv=1&sig=secret")
    run(db, source, "--container-url", "https://a.b/c", "--sas-env", "IDFG_SAS")
    with LabelDatabase(db) as database:
        place = database.datasets()["idfg"]
    assert (place.container_url, place.sas_env) == ("https://a.b/c", "IDFG_SAS")
    assert b"secret" not in db.read_bytes()
    run(db, source, "--container-url", "https://a.b/c?sig=secret", status=2)
    run(db, source, "--sas-env", "?sv=1&sig=secret", status=2)
    assert "secret" not in capsys.readouterr().err


def test_importing_again_never_doubles(tmp_path, db):
    source = write(tmp_path / "x.csv", "file,label\na,elk\nb,elk\n")
    run(db, source)
    run(db, source, dataset="other")
    run(db, source)
    assert len(ask(db, "elk")) == len(ask(db, "elk", dataset="other")) == 2
    assert sqlite3.connect(db).execute("SELECT count(*) FROM image").fetchone() == (4,)
