"""The command: from embeddings and labels to a bundle that everything else takes."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from database_tools.core.names import picture_of
from database_tools.formats import classification_csv, classifier_csv, label_index, unknown_csv
from tf_classification import (
    classify_pictures,
    embed_crops,
    evaluate_model,
    export_model,
    predictor,
    run_classifier,
    train_classifier,
    train_head,
)
from tf_classification.embeddings import index
from tf_classification.heads import training
from tf_classification.models import bundle, checkpoint
from tf_classification.predictions import species
from tf_classification.runs import config as params
from tf_classification.runs import dataset as run_dataset

LABELS = ("deer", "fox", "hare")


@pytest.fixture(scope="module")
def embeddings(model, tiny, tmp_path_factory):
    """Embeddings of the tiny dataset, each crop as it is and mirrored."""
    folder = tmp_path_factory.mktemp("embeddings")
    words = [tiny / "crops", "--dataset-dir", tiny / "base", "--output_dir", folder]
    assert embed_crops.main([str(w) for w in (*words, "--model", model, "--views", 2)]) == 0
    return folder


@pytest.fixture(scope="module")
def run(embeddings, tiny, tmp_path_factory):
    """A run's folder."""
    logs = tmp_path_factory.mktemp("logs")
    return learn(tiny / "base", tiny / "crops", embeddings, logs, "--false_alarms", "0.2")


def learn(base, crops, embeddings, logdir, *words):
    flags = ("--embeddings", embeddings, "--logdir", logdir, *words)
    assert train_head.main([str(word) for word in (base, crops, *flags)]) == 0
    return max(path for path in logdir.iterdir() if path.is_dir())


def refused(capsys, *words):
    assert train_head.main([str(word) for word in words]) == 2
    return capsys.readouterr().err


def test_the_bundle_says_what_the_head_says_of_its_features(run, tiny, embeddings):
    made = predictor.open(run / "bundle")
    assert made.labels == LABELS
    paths = [tiny / "crops" / "demo" / place / "3.jpg" for place in "045"]
    pixels = np.stack([made.pixels(path.read_bytes()) for path in paths])
    head = np.load(run / "head.npz")
    expected = made.features(pixels) @ head["kernel"] + head["bias"]
    np.testing.assert_allclose(made.logits(pixels), expected, rtol=0, atol=1e-4)
    # and of those that were kept, as far as half precision goes
    found = index.open(embeddings)
    kept = found.features(found.rows([f"demo/{place}/3.jpg" for place in "045"]))
    said = kept.mean(axis=1) @ head["kernel"] + head["bias"]
    np.testing.assert_allclose(said, expected, rtol=0, atol=0.1)


def test_the_bundle_averages_over_the_views_that_were_learnt(run, model, tiny):
    made, asked = predictor.open(run / "bundle"), predictor.open(model)
    assert bundle.read(run / "bundle").description.views == 2
    pixels = made.pixels((tiny / "crops/demo/5/3.jpg").read_bytes())[None]
    each = [asked.features(view)[0] for view in (pixels, pixels[:, :, ::-1])]
    assert np.abs(each[0] - each[1]).max() > 1e-3
    np.testing.assert_allclose(made.features(pixels)[0], np.mean(each, axis=0), atol=1e-5)
    mirrored = made.of_pixels(pixels[:, :, ::-1])
    np.testing.assert_allclose(made.of_pixels(pixels), mirrored, atol=1e-6)


@pytest.fixture
def pictures(tiny, tmp_path):
    """Two crops, and a picture that is like none: white with black lines."""
    folder = tmp_path / "pictures"
    for i, name in enumerate(("demo/5/3.jpg", "demo/5/4.jpg", "strange.jpg")):
        (folder / f"{i}.jpg").parent.mkdir(exist_ok=True)
        if i < 2:
            shutil.copy(tiny / "crops" / name, folder / f"{i}.jpg")
    pixels = np.full((40, 44, 3), 255, np.uint8)
    pixels[::4] = 0
    Image.fromarray(pixels).save(folder / "2.jpg", quality=95)
    return folder


def test_unknown_animals_are_told_beside_the_probabilities(run, model, pictures, tmp_path, capsys):
    plain, out = tmp_path / "plain.csv", tmp_path / "out.csv.gz"
    words = [str(run / "bundle"), str(pictures)]
    assert run_classifier.main([*words, str(plain)]) == 0
    assert run_classifier.main([*words, str(out), "--unknown"]) == 0
    with classifier_csv.reading(plain) as known, classifier_csv.reading(out) as told:
        assert known.label_names == told.label_names
        for a, b in zip(known, told, strict=True):
            assert a.paths == b.paths
            np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-6)
    with (tmp_path / "out_unknown.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [row["decision"] for row in rows] == ["", "", "unknown: look"]
    assert [float(row["beyond"]) > 0 for row in rows] == [False, False, True]
    assert list(unknown_csv.unknown(tmp_path / "out_unknown.csv")) == ["2.jpg"]
    assert run_classifier.main([*words, str(out)]) == 0
    assert not (tmp_path / "out_unknown.csv").exists()  # it was of another run's table
    capsys.readouterr()
    assert run_classifier.main([str(model), str(pictures), str(out), "--unknown"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "does not tell unknown animals" in said


def test_people_are_told_which_pictures_to_look_at(run, pictures, tmp_path):
    box = {"category": "1", "conf": 0.9, "bbox": [0, 0, 1, 1]}
    images = [{"file": f"{i}.jpg", "detections": [box]} for i in range(3)]
    table = {"info": {"format_version": "1.0"}, "detection_categories": {"1": "animal"}}
    (tmp_path / "boxes.json").write_text(json.dumps({**table, "images": images}))
    words = (pictures, run / "bundle", tmp_path / "out", "--square-crops", "--unknown")
    words = (*words, "--detections-json", tmp_path / "boxes.json")
    assert classify_pictures.main([str(word) for word in words]) == 0
    found = list(species.read(tmp_path / "out/species.csv"))
    table = tmp_path / "out/.build/probabilities_unknown.csv"
    strange = [picture_of(crop) for crop in unknown_csv.unknown(table)]
    assert "2.jpg" in strange
    assert [row.file for row in found if row.decision == "unknown: look"] == strange
    assert {row.species for row in found} <= set(LABELS)


def test_bundles_made_of_it_tell_unknown_animals_too(run, tmp_path):
    made = bundle.read(run / "bundle")
    described = replace(made.description, thresholds={"deer": 0.5})
    again = checkpoint.export(
        checkpoint.read(run / "bundle", made.description, ""), described, tmp_path / "again"
    )
    copied = bundle.rewrite(tmp_path / "copied", made, described)
    expected = (made.path / bundle.UNKNOWN).read_bytes()
    for other in (again, copied):
        assert (other.path / bundle.UNKNOWN).read_bytes() == expected
        assert bundle.read(other.path).unknown is not None


@pytest.mark.slow
def test_the_server_and_a_tflite_say_what_the_bundle_says(run, tiny, tmp_path):
    from tf_classification.serving.servable import Servable

    content = [(tiny / "crops/demo" / place / "4.jpg").read_bytes() for place in "05"]
    made = predictor.open(run / "bundle")
    expected = made.of_encoded(content)
    assert made.bundle.description.calibration.temperature != 1
    served = Servable(made.bundle).signatures["serving_default"]
    said = served.compute(np.array(content, object))["probabilities"]
    np.testing.assert_allclose(said, expected, rtol=0, atol=1e-6)
    words = [run / "bundle", "--format", "litert", "--output-dir", tmp_path]
    assert export_model.main([str(word) for word in words]) == 0
    exported = predictor.open(tmp_path / "model.tflite")
    pixels = np.stack([made.pixels(one) for one in content])
    np.testing.assert_allclose(
        exported.of_pixels(pixels), made.of_pixels(pixels), rtol=0, atol=1e-5
    )


def test_crops_weigh_what_the_detector_was_sure_of_and_many_are_sampled(
    tiny, embeddings, tmp_path, monkeypatch, capsys
):
    asked, learn_head = [], training.folds.learn

    def noted(lesson, seed):
        asked.append(lesson)
        return learn_head(lesson, seed)

    monkeypatch.setattr(training.folds, "learn", noted)
    monkeypatch.setattr(training, "MOST", 24)  # of two views each
    learn(tiny / "base", tiny / "crops", embeddings, tmp_path, "--weight-by-detection-conf")
    (lesson,) = asked
    assert np.bincount(lesson.labels).tolist() == [4, 4, 4]
    # crop i of a place has the label i % 3, and 0.8 + i / 100 as its confidence
    number = np.rint(100 * (lesson.weights - 0.8)).astype(int)
    np.testing.assert_allclose(lesson.weights, 0.8 + number / 100, rtol=1e-6)
    assert (number % 3 == lesson.labels).all()
    assert len(set(number.tolist())) > 3
    assert "learning from 12 of 60 crops, by label" in capsys.readouterr().err


def test_it_is_judged_and_described_as_a_trained_network(run):
    found = json.loads((run / "evaluation.json").read_text())
    figures = {split: found["splits"][split]["all"] for split in ("train", "val", "test")}
    assert {split: figure["crops"] for split, figure in figures.items()} == {
        "train": 60,
        "val": 15,
        "test": 15,
    }
    assert figures["test"]["accuracy"]["value"] > 0.9  # the labels are told by colour
    assert found["splits"]["test"]["new"]["crops"] == 15
    described = bundle.read(run / "bundle").description
    assert described.calibration.temperature == found["calibration"]["temperature"]
    assert described.parameters["head"]["views"] == 2
    names = {path.name for path in run.iterdir()}
    assert {"report.html", "evaluate_model_ledger.json", "outputs_test.csv.gz"} <= names


def test_same_seed_same_bytes(run, tiny, embeddings, tmp_path):
    words = ("--false_alarms", "0.2")
    again = learn(tiny / "base", tiny / "crops", embeddings, tmp_path, *words)
    assert (again / "head.npz").read_bytes() == (run / "head.npz").read_bytes()
    for name in ("outputs_test.csv.gz", "evaluation.json", f"bundle/1/{bundle.UNKNOWN}"):
        assert (again / name).read_bytes() == (run / name).read_bytes()


@pytest.mark.parametrize("more", [[], ["--epochs", "3"]])
def test_a_head_is_no_training_to_go_on_with(run, more, capsys):
    assert train_classifier.main(["--resume", str(run), *more]) == 2
    assert f"begin a training with --pretrained {run / 'bundle'}\n" in capsys.readouterr().err


@pytest.mark.slow
def test_evaluate_model_and_train_classifier_take_the_bundle(run, tiny, flags, tmp_path, capsys):
    words = [run / "params.json", run / "bundle", "--output-dir", tmp_path / "judged"]
    assert evaluate_model.main([str(w) for w in (*words, "--splits", "test")]) == 0
    judged, known = (
        json.loads((folder / "evaluation.json").read_text())["splits"]["test"]["all"]
        for folder in (tmp_path / "judged", run)
    )
    assert judged["accuracy"] == known["accuracy"]
    words = [*flags, "--epochs", "1", "--pretrained", run / "bundle", "--logdir", tmp_path / "logs"]
    assert train_classifier.main([str(word) for word in words]) == 0
    assert "--pretrained: 9 layers with weights taken over\n" in capsys.readouterr().err


def answers(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "decision", "location"), *rows])
    return path


def test_an_experts_answers_need_no_splits(tiny, embeddings, tmp_path, capsys):
    crops = list(classification_csv.read(tiny / "base/classification_ds.csv"))
    said = [(crop.path, crop.labels[0], "", crop.location) for crop in crops[::2]]
    said += [(crops[1].path, "", "unsure", "0"), (crops[3].path, "", "", "0")]
    said += [(crops[0].path, "hare", "", "0"), (crops[0].path, "deer", "", "0")]
    path = answers(tmp_path / "answers.csv", said)
    words = ("--labels", path, "--embeddings", embeddings, "--logdir", tmp_path / "logs")
    assert train_head.main([str(word) for word in words]) == 0
    assert "no test" in capsys.readouterr().err
    (run,) = (tmp_path / "logs").iterdir()
    found = json.loads((run / "evaluation.json").read_text())["splits"]
    assert found["train"]["all"]["crops"] == 45
    assert found["val"]["seen"] is None  # asked of heads that had not seen the location
    assert found["val"]["new"]["crops"] == 45
    assert found["val"]["new"]["accuracy"]["value"] > 0.9
    assert bundle.read(run / "bundle").description.labels == LABELS


def test_a_bundle_of_answers_is_converted_and_judged_elsewhere(tiny, embeddings, tmp_path, capsys):
    """The answers lie in a dataset's folder, whose splits they have nothing to do with."""
    crops = list(classification_csv.read(tiny / "base/classification_ds.csv"))
    base = relabelled(tiny, tmp_path / "base", lambda crop: crop.labels[0])
    said = [(crop.path, crop.labels[0], "", crop.location) for crop in crops]
    path = answers(base / "answers.csv", said)
    words = ("--labels", path, "--embeddings", embeddings, "--logdir", tmp_path / "logs")
    assert train_head.main([str(word) for word in words]) == 0
    (run,) = (tmp_path / "logs").iterdir()
    capsys.readouterr()
    words = [str(run / "bundle"), "--output-dir", str(tmp_path / "out"), "--format", "litert-int8"]
    assert export_model.main(words) == 2
    error = capsys.readouterr().err
    assert "answers.csv: a file, not a folder" in error
    assert "calibrated on validation crops: give --dataset-dir" in error
    words = [
        str(run / "params.json"),
        str(run / "bundle"),
        "--output-dir",
        str(tmp_path / "judged"),
    ]
    folders = ["--dataset-dir", str(base), "--cropped-images-dir", str(tiny / "crops")]
    assert evaluate_model.main([*words, *folders, "--splits", "test"]) == 0
    found = json.loads((tmp_path / "judged/evaluation.json").read_text())["splits"]["test"]
    assert (found["all"]["crops"], found["new"]) == (15, None)  # it learnt from that place, too
    config = params.read(run / "params.json")
    assert run_dataset.labels(config) == (LABELS, "params.json")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("demo/0/0.jpg", "deer", "", "0"), ("demo/1/0.jpg", "deer", "", "1")], "2 labels"),
        ([("demo/0/0.jpg", "", "unsure", "0")], "no crop with a label"),
        ([("x.jpg", "deer", "", "0"), ("demo/0/1.jpg", "fox", "", "0")], "x.jpg"),
    ],
)
def test_answers_that_cannot_be_learnt_from_are_said(rows, said, embeddings, tmp_path, capsys):
    path = answers(tmp_path / "answers.csv", rows)
    words = ("--labels", path, "--embeddings", embeddings, "--logdir", tmp_path / "logs")
    assert said in refused(capsys, *words)
    assert not (tmp_path / "logs").exists()


def relabelled(tiny, folder, label_of):
    """Copy the dataset's files with other labels: ``label_of(crop)``."""
    folder.mkdir()
    crops = list(classification_csv.read(tiny / "base/classification_ds.csv"))
    changed = [crop._replace(labels=(label_of(crop),)) for crop in crops]
    classification_csv.write(folder / "classification_ds.csv", changed)
    names = sorted({crop.labels[0] for crop in changed})
    label_index.write(folder / "label_index.json", names)
    (folder / "splits.json").write_bytes((tiny / "base/splits.json").read_bytes())
    return folder


def test_a_label_needs_one_crop_and_without_one_it_is_named(tiny, embeddings, tmp_path, capsys):
    def alone(crop):
        return "bear" if crop.path == "demo/2/4.jpg" else crop.labels[0]

    base = relabelled(tiny, tmp_path / "one", alone)
    run = learn(base, tiny / "crops", embeddings, tmp_path / "logs")
    found = predictor.open(run / "bundle")
    assert found.labels == ("bear", *LABELS)
    content = (tiny / "crops/demo/2/4.jpg").read_bytes()
    assert found.labels[found.of_encoded([content])[0].argmax()] == "bear"

    base = relabelled(tiny, tmp_path / "none", lambda crop: f"at {crop.location}")
    assert "'at 4', 'at 5'" in refused(capsys, base, tiny / "crops", "--embeddings", embeddings)


@pytest.mark.slow
def test_a_label_for_each_crop_is_learnt(tiny, embeddings, tmp_path):
    base = relabelled(tiny, tmp_path / "many", lambda crop: crop.path.replace("/", " ")[:-4])
    words = ("--min-crops", 1)
    run = learn(base, tiny / "crops", embeddings, tmp_path / "logs", *words)
    assert len(bundle.read(run / "bundle").description.labels) == 60


def test_errors_are_shown_beside_the_training_crops_that_they_are_likest(
    tiny, embeddings, tmp_path
):
    def label_of(crop):
        wrong = ("demo/5/2.jpg", "demo/5/7.jpg")  # of test, and one of train
        return "fox" if crop.path in (*wrong, "demo/0/3.jpg") else crop.labels[0]

    base = relabelled(tiny, tmp_path / "base", label_of)
    run = learn(base, tiny / "crops", embeddings, tmp_path / "logs")
    page = (run / "errors.html").read_text()
    assert "labelled fox, taken for hare" in page
    shown = re.findall('alt="(demo/5/[0-9]+.jpg)"', page)
    with classifier_csv.reading(run / "outputs_test.csv.gz") as told:
        (rows,) = told
    said = zip(rows.labels, rows.probabilities.argmax(axis=1), strict=True)
    wrong = [told.label_names[best] != label for label, best in said]
    assert sorted(shown) == sorted(np.array(rows.paths)[wrong])
    assert "demo/5/2.jpg" in shown
    others = re.findall('alt="(demo/[0-3]/[0-9]+.jpg)"', page)
    assert len(others) == 3 * len(shown)  # of train only


def test_at_most_so_many_crops_of_a_label_are_learnt(tiny, embeddings, tmp_path, capsys):
    learn(tiny / "base", tiny / "crops", embeddings, tmp_path, "--max-per-label", 4)
    assert "learnt from 12 crops" in capsys.readouterr().err


def test_records_are_learnt_from(tiny_records, model, tmp_path, capsys):
    words = ("--tfrecords", tiny_records, "--output_dir", tmp_path / "out", "--model", model)
    assert embed_crops.main([str(word) for word in words]) == 0
    words = ("--tfrecords", tiny_records, "--embeddings", tmp_path / "out", "--val-fraction", 0.3)
    assert train_head.main([str(w) for w in (*words, "--logdir", tmp_path / "logs")]) == 0
    (run,) = (tmp_path / "logs").iterdir()
    found = json.loads((run / "evaluation.json").read_text())["splits"]
    assert found["test"]["all"]["accuracy"]["value"] > 0.9
    described = bundle.read(run / "bundle").description
    assert described.labels == ("empty", *LABELS)  # which nothing was learnt of


def test_a_crop_that_was_never_embedded_is_named(tiny, model, tmp_path, capsys):
    words = (tiny / "crops/demo/0", "--model", model, "--output_dir", tmp_path / "out")
    assert embed_crops.main([str(word) for word in words]) == 0
    said = refused(capsys, tiny / "base", tiny / "crops", "--embeddings", tmp_path / "out")
    assert "demo/0/0.jpg: has no embedding" in said
    assert "embed_crops.py" in said
    assert training.HEAD == "head.npz"
