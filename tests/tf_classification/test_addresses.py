"""Whichever command names folders: those of an object store give the files of this machine's."""

from __future__ import annotations

import importlib
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from database_tools import detect_and_crop, import_labels
from database_tools.cli import commands as dispatcher
from database_tools.formats import classifier_csv
from tf_classification import find_mislabeled
from tf_classification.evaluation import outputs
from tf_classification.runs.config import TrainConfig

LABELS = ("deer", "fox", "hare")

# Words that begin in capitals are places: those of FOLDERS are read, OUT is written.
FOLDERS = ("BASE", "CROPS", "CUT", "EMBEDDED", "SHOTS")
QUICK = {
    "audit_splits": "HERE/base -c CROPS --json OUT/a.json --page OUT/b.html --fix OUT/c.json",
    "inspect_dataset": "BASE -c CROPS --page OUT/page.html",
    "download_images": "txt HERE/list.txt OUT --check-existing-dir CROPS",
    "json_to_azcopy_list": "HERE/queried.json OUT --images-dir CROPS",
    "make_demo_dataset": "OUT --images 2 --size 96x96 --locations 1",
    "find_mislabeled": "BASE CROPS --embeddings EMBEDDED -o OUT/found.csv",
    "suggest_labels": "EMBEDDED OUT/ask.csv -n 5",
    "label_crops": "HERE/ask.csv OUT --embeddings EMBEDDED",
    "review_mislabeled": "BASE CROPS OUT HERE/found.csv -n 3",
    "fuse_sequences": "HERE/said.csv -o OUT -j HERE/md.json -n me --exif SHOTS",
    "merge_classification_detection_output": "HERE/said.csv HERE/index.json -o OUT/merged.json "
    "-n me -j HERE/md.json --cropped-images-dir CROPS",
    "detect_and_crop": "HERE/queried.json HERE -c HERE/cache -v 4.1 -p OUT --images-dir CROPS "
    "--square-crops --workers 1",
    "create_classification_dataset": "OUT -q HERE/queried.json -c CUT -d HERE/cache -v 4.1 "
    "--val-frac 0.2 --test-frac 0.2",
    "evaluate_detector": "HERE/md.json --db HERE/labels.db -o OUT",
    "json_validator": "HERE/spec.json HERE/taxa.csv --db HERE/labels.db -o OUT -c CROPS",
    "megaclassifier_label_spec": "HERE/taxa.csv OUT --db HERE/labels.db --min-images 1",
    "roll_up": "HERE/said.csv -o OUT -j HERE/md.json -n me --taxonomy HERE/taxa.csv "
    "--label_spec HERE/spec.json",
    "analyze_classifier_results": "TRAINED -o OUT/page.html --label deer",
    "aggregate_classifier_probs": "HERE/said.csv -t HERE/targets.json -o OUT/a.csv -i OUT/i.json",
}
SLOW = {
    "plan_project": "CROPS --detections-json HERE/md.json --json OUT/plan.json --sample 20",
    "embed_crops": "CROPS --model MODEL --output_dir OUT",
    "classify_pictures": "CROPS MODEL OUT --detections-json HERE/md.json --square-crops",
    "train_head": "BASE CROPS --embeddings EMBEDDED --logdir OUT",
    "evaluate_model": "HERE/params.json MODEL -o OUT --splits val --dataset-dir BASE "
    "--cropped-images-dir CROPS",
}
TABLE = QUICK | SLOW
RUN = re.compile(r"\d{8}_\d{6}(?=[/.])|[0-9a-f]{32,}")
# Where and when something was made.
VARIES = (
    "detections.json",
    "plan.json",
    "params.json",
    "bundle.json",
    "index.npz",
    "RUN.npz",
    ".pb",
    ".h5",
)


def detected(names):
    box = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.5, 0.5]}
    return {
        "info": {"detector": "md_v4.1.0.pb", "format_version": "1.6"},
        "detection_categories": {"1": "animal"},
        "images": [{"file": name, "detections": [box]} for name in names],
    }


@pytest.fixture(scope="module")
def here(tiny, embedded, tmp_path_factory):
    """Files of this machine that commands want beside the folders."""
    folder = tmp_path_factory.mktemp("here")
    names = [f"demo/{place}/{i}.jpg" for place in range(6) for i in range(15)]
    files = {
        "md.json": detected(names),
        "index.json": dict(enumerate(LABELS)),
        "targets.json": {"any": LABELS},
        "queried.json": {
            f"demo/{i}/0.jpg": {"dataset": "demo", "location": i, "class": "elk", "label": ["elk"]}
            for i in range(9)
        },
        "params.json": {"model_name": "demo-cnn", "image_size": 32, "tfrecords": "nowhere"},
        "said.csv": [
            "path,deer,fox,hare",
            *(f"{n}___crop00_mdv4.1.jpg,0.8,0.1,0.1" for n in names),
        ],
        "list.txt": names[:3],
        "cache/v4.1/demo.json": detected(f"{place}/0.jpg" for place in range(6)),
        "spec.json": {
            label: {"taxa": [{"level": "genus", "name": f"{label}us"}]} for label in LABELS
        },
        "taxa.csv": [
            "dataset_name,query,taxonomy_level,scientific_name,class,genus",
            *(f"demo,{label},genus,{label}us,mammalia,{label}us" for label in LABELS),
        ],
        "labels.csv": [
            "file,label,location",
            *(f"{place}/{i}.jpg,{LABELS[i % 3]},{place}" for place in range(7) for i in range(15)),
        ],
        "ask.csv": ["path,location,label,decision", f"{names[1]},0,,"],
    }
    for name, content in files.items():
        text = json.dumps(content) if name.endswith(".json") else "\n".join(content)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copytree(tiny / "base", folder / "base")
    shot, exif = folder / "shots" / names[0], Image.Exif()
    exif[0x0132] = "2021:05:03 06:12:00"
    shot.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(shot, exif=exif)
    words = [tiny / "base", tiny / "crops", "--embeddings", embedded, "--least", 0]
    assert find_mislabeled.main([*map(str, words), "-o", str(folder / "found.csv")]) == 0
    words = [folder / "labels.db", folder / "labels.csv", "--dataset", "demo"]
    assert import_labels.main([*map(str, words)]) == 0
    words = TABLE["detect_and_crop"].replace("HERE", str(folder)).replace("OUT", f"{folder}/cut")
    assert detect_and_crop.main(words.replace("CROPS", str(tiny / "crops")).split()) == 0
    return folder


@pytest.fixture(scope="module")
def near(tiny, embedded, model, here):
    places = {
        "BASE": tiny / "base",
        "CROPS": tiny / "crops",
        "EMBEDDED": embedded,
        "SHOTS": here / "shots",
        "CUT": here / "cut",
    }
    return trained(places, here / "near") | {"HERE": here, "MODEL": model}


def trained(places, folder):
    """Add a training's folder, whose params.json says where the dataset lies."""
    how = {"model_name": "demo-cnn", "image_size": 32}
    config = TrainConfig(str(places["BASE"]), str(places["CROPS"]), **how)
    (folder / "run").mkdir(parents=True)
    config.write(folder / "run")
    with classifier_csv.writing(
        folder / "run" / outputs.file_name("val"), LABELS, labels=True, weights=True
    ) as writer:
        names = [f"demo/4/{i}.jpg" for i in range(15)]
        answers = np.eye(3, dtype=np.float32)[np.zeros(15, int)]
        writer.write(names, answers, [LABELS[i % 3] for i in range(15)], np.ones(15))
    return places | {"TRAINED": folder / "run"}


@pytest.fixture(scope="module")
def far(near, object_store):
    with pytest.MonkeyPatch.context() as patch:
        address = object_store("s3").fresh(patch, "folders")
        there = {name: object_store.fill(f"{address}/{name}", near[name]) for name in FOLDERS}
        yield near | trained(there, near["HERE"] / "far")


def run(name, places):
    words = TABLE[name].split()
    words = [re.sub(r"^[A-Z]+", lambda word: str(places[word[0]]), word) for word in words]
    return importlib.import_module(dispatcher.commands()[name]).main(words)


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
def test_the_outputs_are_the_same(name, near, far, object_store, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    out, address = tmp_path / "out", f"{far['CROPS']}-{name}"
    assert run(name, near | {"OUT": out}) == 0
    assert run(name, far | {"OUT": address}) == 0
    mine = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
    mine = {n: p.read_bytes() for n, p in mine.items() if "/." not in f"/{n}" and p.name != "lock"}
    there = {
        RUN.sub("RUN", name): content for name, content in object_store.contents(address).items()
    }
    mine = {RUN.sub("RUN", name): content for name, content in mine.items()}
    assert sorted(there) == sorted(mine)
    differ = {name for name in mine if there[name] != mine[name]}
    assert not {name for name in differ if not name.endswith(VARIES)}
