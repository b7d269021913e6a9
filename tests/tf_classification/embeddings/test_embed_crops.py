"""The command: each crop's features once, found again by whoever asks."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import signal
import time

import numpy as np
import pytest
from PIL import Image

from database_tools.core.errors import UserError
from database_tools.formats import ledger_json
from tf_classification import embed_crops, predictor
from tf_classification.embeddings import embedding, index


def picture(seed=0, side=48):
    rough = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(rough).resize((side, side)).save(content, "JPEG")
    return content.getvalue()


def crops(folder, names):
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(i))
    return folder


def embed(*words):
    return embed_crops.main([str(word) for word in words])


def asked_for(monkeypatch):
    """Return the list of crops that the network is asked about from now on."""
    names, write = [], embedding.store.write_shard

    def noted(folder, unit, known_as, answer):
        names.extend(unit.crops)
        write(folder, unit, known_as, answer)

    monkeypatch.setattr(embedding.store, "write_shard", noted)
    return names


def shards(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*/shards/*.npz")}


def test_rows_are_what_the_bundle_says_of_its_crops_in_half_precision(model, tiny, tmp_path):
    out = tmp_path / "out"
    words = (tiny / "crops", "--dataset-dir", tiny / "base", "--model", model, "--views", 2)
    assert embed(*words, "--output_dir", out) == 0
    found = index.open(out)
    assert found.folder.name.startswith("demo-cnn-")
    assert len(found) == 90
    names = ["demo/4/7.jpg", "demo/9/9.jpg", "demo/0/0.jpg"]
    rows = found.rows(names)
    assert rows[1] == -1
    features = found.features(rows[[0, 2]])
    assert features.shape == (2, 2, 96)
    asked = predictor.open(model)
    plain = np.stack([asked.pixels((tiny / "crops" / names[i]).read_bytes()) for i in (0, 2)])
    # half precision keeps 11 bits
    np.testing.assert_allclose(features[:, 0], asked.features(plain), rtol=1e-3, atol=1e-4)
    mirrored = asked.features(plain[:, :, ::-1])
    np.testing.assert_allclose(features[:, 1], mirrored, rtol=1e-3, atol=1e-4)
    assert np.abs(features[:, 1] - features[:, 0]).max() > 1e-3
    assert found.crops.confidences[rows[0]] == np.float32(0.87)
    assert found.crops.places[found.crops.locations[rows[0]]] == "demo/4"
    together = np.concatenate([part for _, part in found.batches()])
    np.testing.assert_array_equal(together[rows[[0, 2]]], features)


def test_a_cluster_gives_the_same_bytes(model, tmp_path, elsewhere, monkeypatch):
    crops(tmp_path / "crops", ["b/2.jpg", "a/1.jpg"])
    monkeypatch.chdir(tmp_path)
    words = ("crops", "--model", model, "--views", 2, "--output_dir")
    assert embed(*words, "here") == 0
    assert embed(*words, "far", "--dask_scheduler", "tcp://far:8786") == 0
    assert len(shards(tmp_path / "here")) == 1
    assert shards(tmp_path / "far") == shards(tmp_path / "here")
    [job] = elsewhere
    with pytest.raises(UserError, match="a worker of the cluster has other weights there"):
        dataclasses.replace(job.opening, weights="another").open()


def test_a_crop_is_embedded_once_until_its_file_changes(model, tmp_path, monkeypatch):
    folder = crops(tmp_path / "crops", ["b/2.jpg", "a/1.jpg"])
    words = (folder, "--model", model, "--output_dir", tmp_path / "out")
    asked = asked_for(monkeypatch)
    assert embed(*words) == 0
    assert asked == ["a/1.jpg", "b/2.jpg"]
    before = index.open(tmp_path / "out").features(np.array([0, 1]))
    asked.clear()
    (folder / "a/0.jpg").write_bytes(picture(7))
    (folder / "b/2.jpg").write_bytes(picture(8, 50))
    assert embed(*words) == 0
    assert asked == ["a/0.jpg", "b/2.jpg"]
    found = index.open(tmp_path / "out")
    assert found.crops.names.tolist() == ["a/0.jpg", "a/1.jpg", "b/2.jpg"]
    now = found.features(np.arange(3))
    np.testing.assert_array_equal(now[1], before[0])
    assert np.abs(now[2] - before[1]).max() > 1e-3
    asked.clear()
    (folder / "a/1.jpg").unlink()
    assert embed(*words) == 0
    assert asked == []
    assert index.open(tmp_path / "out").crops.names.tolist() == ["a/0.jpg", "b/2.jpg"]


def test_what_embeddings_depend_on_has_a_folder_of_its_own(model, tmp_path):
    folder = crops(tmp_path / "crops", ["a.jpg"])
    words = (folder, "--model", model, "--output_dir", tmp_path / "out")
    assert embed(*words) == 0
    assert embed(*words, "--views", 2) == 0
    recipe = {"geometry": "square", "padding": 1.0, "file": "jpeg", "quality": 75}
    (folder / "crops_info.json").write_text(json.dumps({"recipe": recipe}))
    assert embed(*words) == 0
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_broken_crop_is_an_entry_of_the_ledger_and_tried_again(model, tmp_path, capsys):
    folder = crops(tmp_path / "crops", ["a.jpg", "d.jpg"])
    (folder / "b.jpg").write_bytes(picture()[:400])
    (folder / "c.jpg").touch()
    words = (folder, "--model", model, "--output_dir", tmp_path / "out")
    for _ in range(2):
        assert embed(*words) == 0
        found = index.open(tmp_path / "out")
        ledger = ledger_json.read(found.folder / "embed_crops_ledger.json")
        assert (ledger.total, ledger.kept) == (4, 2)
        assert ledger.dropped == {"empty": ["c.jpg"], "truncated": ["b.jpg"]}
        assert found.crops.names.tolist() == ["a.jpg", "d.jpg"]
        assert "2 of 4 were left out" in capsys.readouterr().err
    (folder / "b.jpg").write_bytes(picture(5))
    assert embed(*words) == 0
    assert index.open(tmp_path / "out").crops.names.tolist() == ["a.jpg", "b.jpg", "d.jpg"]
    for path in folder.glob("*.jpg"):
        path.write_bytes(b"no picture")
    assert embed(*words) == 2
    assert "none of 4 crops can be embedded" in capsys.readouterr().err


def test_an_ended_run_goes_on_to_the_bytes_of_an_undisturbed_one(model, tmp_path, monkeypatch):
    monkeypatch.setattr("tf_classification.predictor.units.SIZE", 2)
    folder = crops(tmp_path / "crops", [f"{i}.jpg" for i in range(7)])

    def run(out, workers):
        words = (folder, "--model", model, "--output_dir", out, "--num-workers", workers)
        return embed(*words)

    assert run(tmp_path / "whole", 2) == 0
    whole = shards(tmp_path / "whole")
    assert len(whole) == 4
    shutil.copytree(tmp_path / "whole", tmp_path / "ended")
    lost, cut = sorted((tmp_path / "ended").glob("*/shards/*.npz"))[1:3]
    lost.unlink()  # never written
    cut.write_bytes(cut.read_bytes()[:-9])  # by a disk that lost its end
    for path in (tmp_path / "ended").glob("*/index.npz"):
        path.unlink()
    with pytest.raises(Exception, match="did not come to its end"):
        index.open(tmp_path / "ended")
    assert run(tmp_path / "ended", 1) == 0
    assert shards(tmp_path / "ended") == whole
    np.testing.assert_array_equal(
        index.open(tmp_path / "ended").features(np.arange(7)),
        index.open(tmp_path / "whole").features(np.arange(7)),
    )


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_bytes_of_an_undisturbed_one(model, tmp_path, begin):
    folder = crops(tmp_path / "crops", [f"{i:04d}.jpg" for i in range(50)])
    for i in range(50, 2000):
        os.link(folder / f"{i % 50:04d}.jpg", folder / f"{i:04d}.jpg")
    words = [str(word) for word in (folder, "--model", model, "--output_dir", tmp_path / "killed")]
    process = begin(embed_crops.__file__, *words, "--num-workers", "1")
    while not list((tmp_path / "killed").glob("*/shards/*.npz")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(shards(tmp_path / "killed")) < 8
    assert embed(*words) == 0
    assert embed(*words[:-1], tmp_path / "whole") == 0
    for name in ("shards/*.npz", "index.npz", "*.json"):
        killed, whole = (
            {path.name: path.read_bytes() for path in (tmp_path / out).glob(f"*/{name}")}
            for out in ("killed", "whole")
        )
        assert killed == whole, name
        assert whole


def test_pictures_with_detections_have_a_row_for_each_box(model, tmp_path, monkeypatch):
    images = crops(tmp_path / "images", ["s/1.jpg", "s/2.jpg"])

    def found(threshold):
        box = {"category": "1", "bbox": [0.1, 0.1, 0.5, 0.5]}
        boxes = [{**box, "conf": 0.3}, {**box, "conf": 0.9, "bbox": [0.2, 0, 0.6, 1]}]
        table = {
            "info": {"detector": "md_v4.1.0.pb"},
            "detection_categories": {"1": "animal"},
            "images": [{"file": f"s/{i}.jpg", "detections": boxes} for i in (1, 2)],
        }
        (tmp_path / "md.json").write_text(json.dumps(table))
        words = ("--images-dir", images, "--detections-json", tmp_path / "md.json")
        out = ("--output_dir", tmp_path / "out", "--threshold", threshold)
        assert embed(*words, "--square-crops", "--model", model, *out) == 0
        return index.open(tmp_path / "out")

    asked = asked_for(monkeypatch)
    few = found(0.5)
    assert few.crops.names.tolist() == [f"s/{i}.jpg___crop01_mdv4.1.0.jpg" for i in (1, 2)]
    np.testing.assert_allclose(few.crops.confidences, 0.9)
    asked.clear()
    every = found(0.2)
    assert asked == [f"s/{i}.jpg___crop00_mdv4.1.0.jpg" for i in (1, 2)]
    assert len(every) == 4
    source, place = every.source(2)
    assert (source.file, source.crops[place]) == ("s/2.jpg", "s/2.jpg___crop00_mdv4.1.0.jpg")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model-name", "demo-cnn"], "random weights"),
        (["--model-name", "demo-cnn", "--pretrained", "nowhere"], "no such file"),
        (["--model-name", "demo-cnn", "--model", "b", "--pretrained"], "either --model"),
        (["--model", "nowhere"], "--output_dir says where to"),
        (["--model", "nowhere", "--output_dir", "x"], "is not a model bundle"),
        (["--model", "b", "--dataset-dir", "nowhere"], "no such file"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(flags, said, tmp_path, capsys):
    assert embed(crops(tmp_path, ["a.jpg"]), *flags) == 2
    assert said in capsys.readouterr().err


def test_a_folder_of_no_or_several_embeddings_names_them(tmp_path):
    with pytest.raises(Exception, match="no embeddings"):
        index.open(tmp_path)
    for name in ("a-1", "b-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "embeddings.json").write_text("{}")
    with pytest.raises(Exception, match="several embeddings: a-1, b-2"):
        index.open(tmp_path)


def test_records_have_a_row_each_though_a_picture_has_several(model, tiny, tiny_records, tmp_path):
    words = ("--tfrecords", tiny_records, "--model", model, "--output_dir", tmp_path / "out")
    assert embed(*words) == 0
    found = index.open(tmp_path / "out")
    assert len(found) == 90
    assert len(set(found.crops.names.tolist())) == 90
    assert found.crops.places == ("0", "1", "2", "3", "4", "5")
    content = (tiny / "crops/demo/5/0.jpg").read_bytes()  # the first of the test part
    asked = predictor.open(model)
    np.testing.assert_allclose(
        found.features(np.array([75]))[0, 0],
        asked.features(asked.pixels(content)[None])[0],
        rtol=1e-3,
        atol=1e-4,
    )
