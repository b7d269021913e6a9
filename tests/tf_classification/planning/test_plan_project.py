"""The command: from a sample to crops, time, memory and disk of all pictures."""

import json
import tempfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from database_tools.formats import megadetector_json
from tf_classification import plan_project
from tf_classification.planning import measuring, planning, stages
from tf_classification.planning.costs import ALL, FEW, FIRST, Cost, Figure

WITHOUT_TENSORFLOW = ["crop", "dataset"]


def box(conf, x):
    return {"category": "1", "conf": conf, "bbox": [x, 0.2, 0.25, 0.3]}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """40 pictures at two places: every second has two animals, the others a faint one."""
    folder, images = tmp_path_factory.mktemp("project"), []
    rough = np.random.default_rng(0).integers(0, 256, (9, 12, 3)).astype(np.uint8)
    for i in range(40):
        name = f"{'ab'[i % 2]}/{i}.jpg"
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(rough, i)).resize((160, 120)).save(folder / "images" / name)
        boxes = [box(0.9, 0.1), box(0.5, 0.6)] if i % 2 else [box(0.1, 0.1)]
        images.append({"file": name, "detections": boxes})
    header = {"info": {"detector": "md_v4.1.0.pb", "format_version": "1.6"}}
    table = {**header, "detection_categories": {"1": "animal"}, "images": images}
    (folder / "found.json").write_text(json.dumps(table))
    return folder


def plan(project, *words):
    line = [project / "images", "--detections-json", project / "found.json", *words]
    return plan_project.main([str(word) for word in line])


def test_a_plan_tells_crops_and_stages_and_leaves_nothing(project, tmp_path, monkeypatch, capsys):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = sorted(project.rglob("*"))
    file = tmp_path / "plan.json"
    assert plan(project, "--number", 80_000, "--workers", 7, "--json", file) == 0
    table = json.loads(file.read_text())
    assert table["pictures"] == 80_000
    assert table["sample"] == 40
    assert table["crops"]["value"] == 80_000  # 40 of 40 pictures
    assert table["crops"]["low"] < 70_000 < 90_000 < table["crops"]["high"]
    assert [stage["stage"] for stage in table["stages"]] == WITHOUT_TENSORFLOW
    for stage in table["stages"]:
        assert stage["cpu_seconds"]["value"] > 80_000 * 1e-4
        assert stage["wall_seconds_on_workers"]["value"] > 0
        assert stage["disk_bytes"]["value"] > 80_000 * 500
        assert 20e6 < stage["memory_bytes"] < 1e9
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("80,000 pictures, of which 40 were tried: 80,000 (")
    assert lines[2].split()[:4] == ["stage", "items", "processors", "here"]
    assert lines[-1].split()[0] == "all"
    assert not list(temporary.iterdir())
    assert sorted(project.rglob("*")) == before


@pytest.mark.slow  # embeds, learns, trains and classifies
def test_heads_trainings_and_predictions_are_planned(project, tmp_path, monkeypatch):
    import keras

    from tf_classification.models import networks

    tried = {}

    def once(kind, sample):  # the others are as long, and crop and dataset show them above
        out = sample.kept(kind.name, FIRST if kind.name == "train_head" else ALL)
        out.mkdir(parents=True)
        clock = measuring.Clock()
        tried[kind.name] = kind.do(sample, out.name, out, clock), clock.seconds()
        return Cost(np.ones(3), np.ones(3), 1)

    monkeypatch.setattr(stages.Kind, "cost", once)
    keras.utils.set_random_seed(1)
    networks.build("demo-cnn", 3, image_size=64).save_weights(tmp_path / "demo.weights.h5")
    words = ("--model-name", "demo-cnn", "--pretrained", tmp_path / "demo.weights.h5")
    assert plan(project, *words, "--epochs", 5, "--json", tmp_path / "plan.json") == 0
    found = {s["stage"]: s for s in json.loads((tmp_path / "plan.json").read_text())["stages"]}
    learnt = ["embed", "train_head", "train_classifier", "run_classifier", "merge"]
    assert list(found) == list(tried) == [*WITHOUT_TENSORFLOW, *learnt]
    assert found["embed"]["items"]["value"] == 40
    assert found["train_classifier"]["items"]["value"] == 5 * 40
    assert found["merge"]["items"]["value"] == 40
    items = {name: number for name, (number, _) in tried.items()}
    assert items == {**dict.fromkeys(tried, 40), "train_classifier": 80}
    assert all((seconds[1] > 0).all() for _, seconds in tried.values())


def untried(monkeypatch):
    """Try nothing; return the samples that would have been, with names of few and all pictures."""
    seen = []

    def cost(kind, sample):
        found = [
            [i.file for i in megadetector_json.images(sample.detections(size))]
            for size in (FEW, ALL)
        ]
        seen.append(SimpleNamespace(num_labels=sample.num_labels, found=found))
        return Cost(np.ones(3), np.ones(3), 1)

    monkeypatch.setattr(stages.Kind, "cost", cost)
    return seen


def test_a_label_list_says_which_pictures_and_how_many_labels(project, monkeypatch):
    rows = [f"b/{i}.jpg,{('fox', 'hare', 'deer')[i % 3]},7\n" for i in range(1, 40, 2)]
    (project / "labels.csv").write_text(
        "file,label,location\n" + "".join(rows) + "b/9x.jpg,fox,7\n"
    )
    seen = untried(monkeypatch)
    asked = {"detections_json": project / "found.json", "labels": project / "labels.csv"}
    made = planning.make(plan_project.PlanRequest(project / "images", **asked))
    assert (made.pictures, made.sample) == (21, 20)  # one is listed, but not there
    assert made.crops == Figure.sure(42)
    assert seen[0].num_labels == 3


def test_what_is_tried_first_is_a_part_of_what_is_tried(project, monkeypatch):
    seen = untried(monkeypatch)
    asked = plan_project.PlanRequest(
        project / "images", detections_json=project / "found.json", sample=30
    )
    planning.make(asked)
    few, many = seen[0].found
    assert many[: len(few)] == few
    assert len(many) == 30
    assert many != sorted(many)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sample", 9], "--sample must be at least 10, got 9"),
        (["--epochs", 3], "--pretrained and --epochs go with --model-name"),
        (["--model-name", "vgg"], "--model-name must be one of "),
        (["--threshold", 0.95], "a plan needs 10 crops; 40 pictures have 0: say a larger"),
        (["--model", "nowhere"], "nowhere: no such file"),
        (["--detector", "found.pb"], "give either --detector or --detections-json"),
    ],
)
def test_what_cannot_be_planned_is_one_line(project, capsys, words, said):
    assert plan(project, *words) == 2
    [line] = capsys.readouterr().err.splitlines()[-1:]
    assert said in line


def test_detections_of_other_pictures_are_refused(project, tmp_path, capsys):
    text = (project / "found.json").read_text().replace('"b/1.jpg"', '"c/1.jpg"')
    (tmp_path / "other.json").write_text(text)
    line = [str(project / "images"), "--detections-json", str(tmp_path / "other.json")]
    assert plan_project.main(line) == 2
    assert "1 of 40 pictures of the sample are not in it" in capsys.readouterr().err
