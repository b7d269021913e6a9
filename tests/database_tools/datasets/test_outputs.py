"""What a build writes: folders, COCO files, records, and the files beside them."""

import base64
import hashlib
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from database_tools.core.crop_recipe import CropRecipe
from database_tools.formats import dataset_info, label_map


def test_images_come_in_the_order_of_their_ids_and_ids_are_counted_over_both_splits(world):
    for number, location in [("c", "B"), ("a", "A"), ("b", "B"), ("d", "A")]:
        world.picture(world.add(number, location=location))
    built = world.run()
    train, test = built.json("train.json"), built.json("test.json")
    assert built.status == 0
    # Of A and B, the draw tests B.
    assert [(i["id"], i["original_key"]) for i in train["images"]] == [(0, "a"), (3, "d")]
    assert [(i["id"], i["original_key"]) for i in test["images"]] == [(1, "b"), (2, "c")]
    assert list(train["images"][0]) == ["id", "width", "height", "file_name", "original_key"]
    assert train["annotations"][1] == {"id": 3, "image_id": 3, "category_id": 0}
    assert train["categories"] == [
        {"id": i, "name": name, "supercategory": "entity"}
        for i, name in enumerate(["red fox", "empty", "hare"])
    ]


def test_the_json_is_one_line_as_the_originals(world):
    text = (world.fill().run().coco / "train.json").read_text(encoding="utf-8")
    assert "\n" not in text
    assert text == json.dumps(json.loads(text))


def test_ids_that_are_numbers_stay_numbers_and_sort_as_such(world):
    for number in (10, 9):
        world.picture(world.add(number, location=1))
    built = world.run("--test_fraction", 0)
    assert [i["original_key"] for i in built.json("train.json")["images"]] == [9, 10]


def test_a_crop_is_the_padded_square_in_the_folder_of_its_category(world):
    world.picture(world.add("a", 4, boxes=[(0.25, 0.25, 0.5, 0.5)]), 80, 60)
    built = world.run("--test_fraction", 0, "--padding_factor", 1)
    assert built.files() == ["hare/A/a.jpg"]
    # The box is 40 x 30 at (20, 15); the square of side 40 spans rows 10 to 50.
    crop = built.crop("hare/A/a.jpg")
    assert crop.shape == (40, 40, 3)
    assert crop[20, 20].tolist() == pytest.approx([255, 200, 200], abs=4)
    assert crop[1, 20].max() < 90  # above the bright rectangle
    info = built.json("train.json")["images"][0]
    assert (info["width"], info["height"]) == (40, 40)


def test_the_default_padding_is_that_of_the_readme(world):
    world.picture(world.add("a", boxes=[(0.4, 0.4, 0.2, 0.2)]), 100, 100)
    # 20 * 1.69 = 33.8 around 50: from 33.1 to 66.9, truncated
    assert world.run("--test_fraction", 0).crop("red fox/A/a.jpg").shape == (33, 33, 3)


def test_both_json_files_load_in_pycocotools(world):
    coco = pytest.importorskip("pycocotools.coco")
    built = world.fill().run()
    for split in ("train", "test"):
        loaded = coco.COCO(str(built.coco / f"{split}.json"))
        assert len(loaded.getImgIds()) == len(built.files(split)) > 0
        for annotation in loaded.loadAnns(loaded.getAnnIds()):
            [image] = loaded.loadImgs(annotation["image_id"])
            assert (built.coco / image["file_name"]).is_file()


FEATURES = {
    "image/channels": [3],
    "image/class/conf": [1.0],
    "image/class/label": [2],
    "image/class/text": [b"hare"],
    "image/colorspace": [b"RGB"],
    "image/extra": [b""],
    "image/filename": [b"A/./a.jpg"],
    "image/format": [b"JPEG"],
    "image/id": [b"0"],
    "image/location": [b"A"],
    "image/object/area": [],
    "image/object/bbox/conf": [],
    "image/object/bbox/label": [],
    "image/object/bbox/score": [],
    "image/object/bbox/text": [],
    "image/object/bbox/xmax": [],
    "image/object/bbox/xmin": [],
    "image/object/bbox/ymax": [],
    "image/object/bbox/ymin": [],
    "image/object/class/label": [],
    "image/object/class/text": [],
    "image/object/count": [0],
    "image/object/id": [],
    "image/object/is_crowd": [],
    "image/object/parts/score": [],
    "image/object/parts/v": [],
    "image/object/parts/x": [],
    "image/object/parts/y": [],
    "image/original_key": [b"a"],
    "image/seq_id": [b"s1"],
    "image/source_id": [b"0"],
    "image/width": [67],
    "image/height": [60],
}


def test_every_feature_of_the_original_is_there_and_four_of_ours(world):
    path = world.add("a", 4, boxes=[(0.25, 0.25, 0.5, 0.5, 0.75)], file="A/./a.jpg", seq_id="s1")
    world.picture(path, 80, 60)
    built = world.run("--test_fraction", 0)
    [found] = built.examples()
    jpeg = (built.coco / "hare/A/a.jpg").read_bytes()
    assert found.pop("image/encoded") == (jpeg,)
    assert found.pop("image/key/sha256") == (hashlib.sha256(jpeg).hexdigest().encode(),)
    assert found.pop("image/detection_conf").tolist() == [0.75]
    assert {name: list(values) for name, values in found.items()} == FEATURES


def test_features_without_values_have_the_originals_types(world):
    world.picture(world.add("a"))
    [found] = world.run("--test_fraction", 0).examples()
    assert found["image/object/bbox/xmin"].dtype == np.float32
    assert found["image/object/bbox/label"].dtype == np.int64
    assert found["image/object/is_crowd"].dtype == np.int64
    assert found["image/object/class/text"] == ()


def test_a_number_for_the_burst_or_location_is_a_text_in_the_record(world):
    world.picture(world.add(1, location=13, seq_id=7))
    [found] = world.run("--test_fraction", 0).examples()
    assert (found["image/location"], found["image/seq_id"]) == ((b"13",), (b"7",))


def test_shards_hold_ims_per_record_examples_in_the_order_of_the_json(world):
    built = world.fill(7, "A").run("--test_fraction", 0, "--ims_per_record", 3)
    assert built.shards() == ["train-00000", "train-00001", "train-00002"]
    found = [example["image/original_key"][0].decode() for example in built.examples()]
    assert found == [image["original_key"] for image in built.json("train.json")["images"]]
    assert len(found) == 7


def test_a_full_last_shard_is_not_followed_by_an_empty_one(world):
    built = world.fill(4, "A").run("--test_fraction", 0, "--ims_per_record", 2)
    assert built.shards() == ["train-00000", "train-00001"]


def test_the_label_map_starts_at_zero_in_the_order_of_the_json(world):
    built = world.fill().run()
    path = built.records / "label_map.pbtxt"
    assert path.read_text(encoding="utf-8").splitlines()[0] == 'item {name: "red fox" id: 0}'
    assert label_map.read(path) == {0: "red fox", 1: "empty", 2: "hare"}


def test_dataset_info_is_in_both_folders_and_counts_every_class(world):
    built = world.fill(12, "ABC").run("--exclude_categories", "empty")
    infos = [dataset_info.read(folder) for folder in (built.coco, built.records)]
    assert infos[0] == infos[1]
    assert infos[0].classes == ("red fox", "empty", "hare")
    assert infos[0].num_classes == 3
    assert infos[0].counts["train"][1] == 0
    assert infos[0].size("train") == len(built.files("train"))
    assert infos[0].size("train") + infos[0].size("test") == 12
    assert infos[0].parameters["exclude_categories"] == ["empty"]
    assert infos[0].recipe == CropRecipe.of_2019(1.3 * 1.3)


def test_records_alone_and_crops_alone(world):
    world.fill()
    both = world.run()
    crops = world.run(outputs="c", name="crops")
    records = world.run(outputs="t", name="records")
    assert not crops.records.exists()
    assert not records.coco.exists()
    here = {k: v for k, v in both.contents().items() if k.startswith("c/")}
    assert crops.contents() == here
    for shard in both.shards():
        assert (records.records / shard).read_bytes() == (both.records / shard).read_bytes()
    assert (records.records / "detections_final.pkl").exists()


def test_both_outputs_in_one_folder_work(world):
    world.fill()
    words = world.words(outputs="c")
    folder = words[words.index("--coco_style_output") + 1]
    from database_tools import make_classification_dataset

    assert make_classification_dataset.main([*words, "--tfrecords_output", folder]) == 0
    names = {path.name for path in (world.folder / "out" / "c").iterdir()}
    assert {"train.json", "train-00000", "label_map.pbtxt", "red fox"} <= names


def test_records_in_a_folder_within_that_of_the_crops(world):
    world.fill()
    words = world.words(outputs="c")
    folder = words[words.index("--coco_style_output") + 1]
    from database_tools import make_classification_dataset

    for padding in ("1.5", "2"):  # the second run looks for strangers
        flags = ["--tfrecords_output", f"{folder}/records", "--padding_factor", padding]
        assert make_classification_dataset.main([*words, *flags]) == 0


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".gif", ".webp"])
def test_other_kinds_keep_their_kind_and_become_fine_jpegs_in_records(world, suffix):
    world.picture(world.add("a", file=f"a{suffix}"))
    built = world.run("--test_fraction", 0)
    name = f"red fox/a{suffix}"
    assert built.files() == [name]
    kinds = {".tif": "TIFF"}
    assert Image.open(built.coco / name).format == kinds.get(suffix, suffix[1:].upper())
    [found] = built.examples()
    in_record = Image.open(io.BytesIO(found["image/encoded"][0]))
    assert in_record.format == "JPEG"
    assert in_record.quantization[0][0] == 1  # quality 100
    difference = np.asarray(in_record).astype(int) - np.asarray(
        Image.open(built.coco / name).convert("RGB")
    )
    assert np.abs(difference).mean() < 12


def test_a_name_without_an_extension_is_a_jpeg(world):
    world.picture(world.add("a", file="a"), format="JPEG")
    assert Image.open(world.run("--test_fraction", 0).coco / "red fox/a").format == "JPEG"


def test_crops_carry_no_metadata(world):
    exif = Image.Exif()
    exif[0x010F] = "the maker"
    exif.get_ifd(0x8825)[1] = "N"
    world.picture(world.add("a"), exif=exif, comment=b"a comment", icc_profile=b"profile")
    built = world.run("--test_fraction", 0)
    crop = Image.open(built.coco / "red fox/A/a.jpg")
    assert not dict(crop.getexif())
    assert not {"comment", "icc_profile", "exif"} & set(crop.info)


def test_categories_whose_names_are_no_folders_get_one(world):
    world.table["categories"][0]["name"] = "bird/duck"
    world.picture(world.add("a"))
    built = world.run("--test_fraction", 0)
    assert built.files() == ["bird_duck/A/a.jpg"]
    assert built.json("train.json")["categories"][0]["name"] == "bird/duck"
    assert built.examples()[0]["image/class/text"] == (b"bird/duck",)


def test_the_preview_shows_pictures_boxes_and_crops_in_one_file(world):
    text = (world.fill().run().coco / "preview.html").read_text(encoding="utf-8")
    assert text.count("<figure>") == 12  # at most 6 of each category and split
    assert "train: red fox" in text
    assert "test: hare" in text
    assert text.count('class="box"') == text.count('class="crop"') == 12
    assert text.count("data:image/jpeg;base64,") == 24
    assert "http" not in text


def test_the_preview_shows_what_was_left_out_by_reason_with_boxes(world):
    world.fill(2)
    person, sure, unsure = (0, 0, 0.4, 0.4, 0.2, "2"), (0.5, 0.5, 0.2, 0.2), (0.1, 0.6, 0.2, 0.2)
    for number in range(20):
        world.picture(world.add(f"two{number}", boxes=[sure, unsure, person]), 200, 200)
    world.picture(world.add("unsure", boxes=[(*sure, 0.3)]))
    world.picture(world.add("none", boxes=[]))
    world.picture(world.add("empty", category=0))
    world.add("gone")
    text = (world.run("--exclude_categories", "empty").coco / "preview.html").read_text("utf-8")
    shown = text[text.index("<h2>What was left out") : text.index("<h2>What is in the dataset")]
    counts = re.findall(r"<h3>([^<]+) \((\d+)\)</h3>", shown)
    one = ["excluded category", "missing", "nothing detected", "only below the threshold"]
    assert counts == [("several detections", "20"), *((reason, "1") for reason in one)]
    assert shown.count("<figure>") == 12 + 1 + 1  # at most 12 of a reason
    assert shown.count('class="box"') == 12 * 2 + 1  # none of a person
    # nobody has looked for people in the one; the other is not there
    assert "A/empty.jpg</p>" in shown
    assert "A/gone.jpg</p>" in shown
    encoded = re.search(r'data:image/jpeg;base64,([^"]+)', shown)[1]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert picture[:72, :72].std() < 1


def test_the_preview_never_shows_a_left_out_picture_that_is_labelled_as_people(world):
    world.fill(2)
    world.table["categories"].append({"id": 7, "name": "Homo_sapiens"})
    world.picture(world.add("me", category=7, boxes=[]))
    text = (world.run().coco / "preview.html").read_text("utf-8")
    shown = text[text.index("<h2>What was left out") : text.index("<h2>What is in the dataset")]
    assert "A/me.jpg</p>" in shown
    assert "<figure>" not in shown


def test_the_preview_escapes_names(world):
    world.table["categories"][0]["name"] = "<b>fox & co"
    world.picture(world.add("a", file="<i>.jpg"))
    text = (world.run("--test_fraction", 0).coco / "preview.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;fox &amp; co" in text
    assert "<i>" not in text


def test_the_preview_hides_people(world):
    animal, person = (0.5, 0.5, 0.25, 0.25), (0, 0, 0.4, 0.4, 0.2, "2")
    world.picture(world.add("a", boxes=[animal, person]), 200, 200)
    text = (world.run("--test_fraction", 0).coco / "preview.html").read_text(encoding="utf-8")
    found = re.findall(r'data:image/jpeg;base64,([^"]+)', text)
    picture, crop = (np.asarray(Image.open(io.BytesIO(base64.b64decode(b)))) for b in found)
    assert picture[:72, :72].std() < 1  # grey, but for the edge of the cover
    assert picture[120:].std() > 10
    assert crop.std() > 10
