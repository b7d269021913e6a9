"""The dataset of a run: what is taken as it is, what is refused, and what is recognised."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.core.taxa import Taxon
from database_tools.formats import (
    classification_csv,
    crop_locations,
    crops_info,
    dataset_info,
    example,
    label_index,
    tfrecord,
)
from database_tools.formats.dataset_info import DatasetInfo
from tf_classification.runs import dataset as run_dataset
from tf_classification.runs.config import TrainConfig

LABELS = ("deer", "fox", "hare")


class World:
    """The tiny dataset, to be changed, in the three forms that a trainer takes."""

    def __init__(self, tiny, root):
        shutil.copytree(tiny, root, dirs_exist_ok=True)
        self.root, self.base, self.crops = root, root / "base", root / "crops"
        self.config = TrainConfig(str(self.base), str(self.crops), seed=0)

    def rows(self):
        return list(classification_csv.read(self.base / "classification_ds.csv"))

    def write(self, rows):
        classification_csv.write(self.base / "classification_ds.csv", rows)

    def coco(self):
        """The same crops as make_classification_dataset writes them; locations 0 to 4 train."""
        folder = self.root / "coco"
        shutil.copytree(self.crops, folder)
        rows, places = self.rows(), []
        counts = {}
        for split, own in {"train": "01234", "test": "5"}.items():
            chosen = [(i, row) for i, row in enumerate(rows) if row.location in own]
            images = [{"id": i, "file_name": row.path} for i, row in chosen]
            answers = [
                {"id": i, "image_id": i, "category_id": LABELS.index(row.labels[0])}
                for i, row in reversed(chosen)  # order decides nothing
            ]
            categories = [{"id": i, "name": name} for i, name in enumerate(LABELS)]
            table = {"images": images, "categories": categories, "annotations": answers}
            (folder / f"{split}.json").write_text(json.dumps(table))
            places += [(i, row.location) for i, row in chosen]
            labels = [row.labels[0] for _, row in chosen]
            counts[split] = tuple(labels.count(name) for name in LABELS)
        crop_locations.write(folder, places)
        info = dataset_info.DatasetInfo(LABELS, counts, recipe=CropRecipe.of_2019(1.6))
        dataset_info.write(folder, info)
        return folder

    def records(self, names=LABELS):
        folder = self.root / "records"
        folder.mkdir()
        counts = {}
        for split, own in {"train": "01234", "test": "5"}.items():
            rows = [row for row in self.rows() if row.location in own]
            with tfrecord.Writer(folder / f"{split}-00000") as writer:
                for row in rows:
                    features = {
                        "image/encoded": [(self.crops / row.path).read_bytes()],
                        "image/class/label": np.array([names.index(row.labels[0])]),
                        "image/filename": [row.path.encode()],
                        "image/location": [row.location.encode()],
                    }
                    writer.write(example.encode(features))
            labels = [row.labels[0] for row in rows]
            counts[split] = tuple(labels.count(name) for name in names)
        dataset_info.write(folder, dataset_info.DatasetInfo(names, counts))
        return folder


@pytest.fixture
def world(tiny, tmp_path):
    return World(tiny, tmp_path)


def load(config):
    return run_dataset.load(config, training=True)


def test_a_coco_style_folder_holds_what_its_records_hold(world):
    folders = TrainConfig(str(world.coco()), seed=3), TrainConfig(tfrecords=str(world.records()))
    coco, records = (load(replace(config, seed=3)) for config in folders)
    assert coco.label_names == records.label_names == LABELS
    for split, examples in records.splits.items():
        assert coco.splits[split].keys.tolist() == examples.keys.tolist()
        assert coco.splits[split].labels.tolist() == examples.labels.tolist()
        rows = np.arange(len(examples))
        assert coco.splits[split].reader(rows) == examples.reader(rows)
    assert coco.crop_recipe == CropRecipe.of_2019(1.6)
    assert run_dataset.labels(folders[0])[0] == LABELS


def test_a_coco_style_folder_with_its_crops_named_is_the_same(world):
    folder = str(world.coco())
    assert len(load(TrainConfig(folder, folder)).splits["test"]) == 15


def test_a_coco_style_folder_has_no_confidences_to_draw_by(world):
    with pytest.raises(UserError, match="--weight-by-detection-conf: the COCO-style folder has no"):
        run_dataset.check_kind(TrainConfig(str(world.coco()), weight_by_detection_conf=True))


def test_a_crop_that_is_missing_in_a_coco_style_folder_is_counted(world):
    folder = world.coco()
    (folder / "demo/0/3.jpg").unlink()
    assert load(TrainConfig(str(folder))).ledger.dropped == {"missing": ("demo/0/3.jpg",)}


def test_a_coco_style_folder_without_locations_says_what_to_do(world):
    folder = world.coco()
    (folder / crop_locations.NAME).unlink()
    with pytest.raises(UserError, match=r"crop_locations\.json: no such file, .*--tfrecords"):
        load(TrainConfig(str(folder)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda w: TrainConfig(str(w.records())), "a folder of TFRecords: give it as --tfrecords"),
        (lambda w: TrainConfig(tfrecords=str(w.coco())), "COCO-style folder, not one of TFRecords"),
        (lambda w: TrainConfig(tfrecords=str(w.base)), "holds classification_ds.csv, no TFRecords"),
        (lambda w: TrainConfig(str(w.base)), "give CROPPED_IMAGES_DIR, the folder of the crops"),
        (lambda w: TrainConfig(str(w.crops), str(w.crops)), "neither classification_ds.csv nor"),
    ],
)
def test_a_folder_of_another_kind_is_recognised(world, given, message):
    with pytest.raises(UserError, match=message):
        load(given(world))


def only_in_test(world, label):
    rows = [r for r in world.rows() if r.location == "5" or r.labels != (label,)]
    world.write(rows)
    return world.config


def test_a_label_that_is_only_in_test_says_what_to_do_and_that_works(world):
    config = only_in_test(world, "hare")
    message = r"no crop of the label\(s\) 'hare' to train on \(5 in test\): --min-crops 1 leaves"
    with pytest.raises(UserError, match=message):
        load(config)
    dataset = load(replace(config, min_crops=1))
    assert dataset.label_names == ("deer", "fox")
    assert len(dataset.ledger.dropped["label that is left out"]) == 5
    # what a run left out stays out when it is judged
    kept = replace(config, min_crops=1, labels=("deer", "fox"))
    assert run_dataset.load(kept, training=False).label_names == ("deer", "fox")
    assert run_dataset.labels(kept)[0] == ("deer", "fox")


def test_labels_with_few_crops_are_left_out_and_the_others_keep_their_pictures(world):
    whole = load(world.config)
    world.write([r for r in world.rows() if r.labels != ("deer",) or r.location in "045"])
    dataset = load(replace(world.config, min_crops=11))  # deer: 5 + 5 of the places 0 to 3
    assert dataset.label_names == ("fox", "hare")
    train, before = dataset.splits["train"], whole.splits["train"]
    assert train.labels.tolist() == [x - 1 for x in before.labels.tolist() if x]
    row = before.keys.tolist().index(train.keys[7])
    assert train.reader(np.array([7])) == before.reader(np.array([row]))


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", b"\xff\xd8\xff no", None])
def test_a_label_none_of_whose_crops_is_a_picture_is_named_with_their_number(world, content):
    for row in world.rows():
        if row.labels == ("fox",) and row.location in "0123":
            file = world.crops / row.path
            file.write_bytes(file.read_bytes()[:20] if content is None else content)
    with pytest.raises(UserError, match="none of the 20 crops of the label 'fox' to train on is a"):
        load(world.config)
    row = next(r for r in world.rows() if r.labels == ("fox",) and r.location == "2")
    shutil.copy(world.crops / "demo/4/0.jpg", world.crops / row.path)
    load(world.config)  # one picture is enough: the others are counted while training runs


def test_a_dataset_none_of_whose_crops_is_a_picture_is_refused(world):
    for row in world.rows():
        (world.crops / row.path).write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(UserError, match=r"none of 60 crops looked at is a picture, e\.g\. demo/0"):
        load(world.config)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("fox", "deer", "hare"), "label 0 is 'fox', the run learnt 'deer' there"),
        (("deer", "red fox", "hare"), "label 1 is 'red fox', the run learnt 'fox' there"),
        (("deer", "fox", "hare", "elk"), "has 4 labels, the run learnt 3"),
    ],
)
def test_a_run_keeps_its_labels_whatever_becomes_of_the_dataset(world, names, message):
    config = replace(world.config, labels=LABELS)
    load(config)
    label_index.write(world.base / "label_index.json", names)
    table = world.base / "classification_ds.csv"
    table.write_text(table.read_text().replace(",fox", f",{names[1]}"))
    with pytest.raises(UserError, match=message):
        run_dataset.labels(config)
    with pytest.raises(UserError, match=message):
        run_dataset.load(config, training=False)


def test_records_built_again_in_another_order_are_refused(world):
    folder = world.records(names=("hare", "fox", "deer"))
    config = TrainConfig(tfrecords=str(folder), labels=LABELS)
    for ask in (run_dataset.labels, load):
        with pytest.raises(UserError, match="label 0 is 'hare', the run learnt 'deer' there"):
            ask(config)


def test_a_run_whose_dataset_is_gone_still_has_its_labels(world):
    shutil.rmtree(world.base)
    assert run_dataset.labels(replace(world.config, labels=LABELS)) == (LABELS, "params.json")


def test_taxa_lie_beside_the_dataset(world):
    taxa = {"fox": [{"level": "genus", "name": "vulpes", "lineage": []}]}
    (world.base / "label_taxa.json").write_text(json.dumps(taxa))
    (taxon,) = load(world.config).taxonomy["fox"]
    assert (taxon.level, taxon.name) == ("genus", "vulpes")
    (world.base / "label_taxa.json").write_text('{"wolf": []}')
    with pytest.raises(UserError, match=r"label_taxa\.json: 'wolf': is no label of the dataset"):
        load(world.config)


def test_taxa_that_the_dataset_carries_on_come_before_those_beside_it(world):
    known = {"fox": (Taxon("genus", "vulpes", (("family", "canidae"),)),), "gone": ()}
    info = DatasetInfo(LABELS, {"train": (1, 1, 1)}, taxonomy=known)
    dataset_info.write(world.base, info)
    (world.base / "label_taxa.json").write_text('{"wolf": []}')
    assert load(world.config).taxonomy == {"fox": known["fox"]}


def sha256(config):
    return run_dataset.sha256(config, load(config))


def test_a_dataset_is_recognised_where_it_was_moved_to(world, tmp_path):
    before = sha256(world.config)
    moved = tmp_path / "elsewhere"
    shutil.move(world.base, moved / "b")
    shutil.move(world.crops, moved / "c")
    assert sha256(TrainConfig(str(moved / "b"), str(moved / "c"), seed=9)) == before


def relabel(world):
    rows = world.rows()
    world.write([rows[0]._replace(labels=("fox",)), *rows[1:]])


def relocate(world):
    rows = world.rows()
    world.write([rows[0]._replace(location="1"), *rows[1:]])


def redraw(world):
    shutil.copy(world.crops / "demo/4/0.jpg", world.crops / "demo/0/0.jpg")


def lose(world):
    (world.crops / "demo/2/2.jpg").unlink()


def recut(world):
    crops_info.write(world.crops, crops_info.CropsInfo(CropRecipe.of_2019(1.3)))


@pytest.mark.parametrize("change", [relabel, relocate, redraw, lose, recut])
def test_another_dataset_is_recognised_in_the_same_place(world, change):
    before = sha256(world.config)
    change(world)
    assert sha256(world.config) != before
