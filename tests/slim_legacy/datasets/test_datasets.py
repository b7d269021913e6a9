from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from database_tools.core.errors import FormatError, UserError
from slim_legacy.datasets import dataset_factory, descriptor, wellington

FOLDER = Path(descriptor.__file__).parent
ROOT = FOLDER.parents[1]
NAMED = [name for name in dataset_factory.datasets_map if name != "auto"]


@pytest.mark.parametrize("name", NAMED)
def test_the_two_constants_are_on_lines_20_and_22(name):
    lines = (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert lines[19].startswith("SPLITS_TO_SIZES = {")
    assert lines[21].startswith("_NUM_CLASSES = ")


def test_wellington_has_the_readmes_numbers():
    assert wellington.SPLITS_TO_SIZES == {"train": 112698, "test": 24734}
    assert wellington._NUM_CLASSES == 17


@pytest.mark.parametrize("name", NAMED)
def test_a_descriptor_finds_the_shards_of_its_splits(name, tmp_path):
    module = importlib.import_module(f"slim_legacy.datasets.{name}")
    for split, size in module.SPLITS_TO_SIZES.items():
        for shard in (f"{split}-00001-of-00002", f"{split}-00000-of-00002", "other-00000"):
            (tmp_path / shard).touch()
        dataset = dataset_factory.get_dataset(name, split, tmp_path)
        assert [f.name for f in dataset.data_sources] == [
            f"{split}-00000-of-00002",
            f"{split}-00001-of-00002",
        ]
        assert (dataset.num_samples, dataset.num_classes) == (size, module._NUM_CLASSES)
        assert dataset.labels_to_names is None


def test_auto_reads_dataset_info(records_dir):
    dataset = dataset_factory.get_dataset("auto", "test", records_dir)
    assert (dataset.num_samples, dataset.num_classes) == (7, 3)


def test_auto_without_dataset_info_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"no dataset_info\.json"):
        dataset_factory.get_dataset("auto", "train", tmp_path)


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("newdataset", "train", "Name of dataset unknown newdataset"),
        ("descriptor", "train", "Name of dataset unknown"),  # in the folder, but no descriptor
        ("../x", "train", "Name of dataset unknown"),
        ("cct", "validation", "split name validation was not recognized"),
        ("cct", "train", "no records train-"),
    ],
)
def test_a_wrong_name_is_the_users_error(name, split, message, tmp_path):
    with pytest.raises(UserError, match=message):
        dataset_factory.get_dataset(name, split, tmp_path)


def test_labels_txt_names_the_classes(tmp_path):
    (tmp_path / "labels.txt").write_text("\ufeff0:red fox\n2:deer: roe\n", encoding="utf-8")
    assert descriptor.read_labels(tmp_path / "labels.txt") == {0: "red fox", 2: "deer: roe"}
    (tmp_path / "labels.txt").write_text("0:red fox\ndeer\n", encoding="utf-8")
    with pytest.raises(FormatError, match="line 2"):
        descriptor.read_labels(tmp_path / "labels.txt")


@pytest.fixture
def copied_package(tmp_path):
    """A copy of the sources that a user may edit as the README says."""
    for package in ("database_tools", "slim_legacy"):
        shutil.copytree(ROOT / package, tmp_path / package)
    return tmp_path


@pytest.mark.parametrize("way", ["by its name", "by the two edits", "in a folder of one's own"])
def test_a_copied_descriptor_is_found(way, copied_package):
    """docs/slim.md: copy, adjust lines 20 and 22, perhaps list it."""
    folder = copied_package / "slim_legacy" / "datasets"
    lines = (folder / "wellington.py").read_text(encoding="utf-8").splitlines()
    lines[19] = "SPLITS_TO_SIZES = {'train': 6, 'test': 2}"
    lines[21] = "_NUM_CLASSES = 4"
    own = copied_package / "own"
    own.mkdir()
    name = "newdataset"
    copy = (own if way == "in a folder of one's own" else folder) / "newdataset.py"
    copy.write_text("\n".join(lines), encoding="utf-8")
    if way == "by the two edits":
        factory = (folder / "dataset_factory.py").read_text(encoding="utf-8")
        added = "from slim_legacy.datasets import newdataset\nfrom slim_legacy.datasets import ("
        factory = factory.replace("from slim_legacy.datasets import (", added)
        factory = factory.replace(
            '"wellington": wellington,', '"wellington": wellington, "listed": newdataset,'
        )
        (folder / "dataset_factory.py").write_text(factory, encoding="utf-8")
        name = "listed"
    (copied_package / "train-00000").touch()
    program = (
        "from slim_legacy.datasets import dataset_factory\n"
        f"d = dataset_factory.get_dataset({name!r}, 'train', '.')\n"
        "print(d.num_samples, d.num_classes)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=copied_package,
        env={"PYTHONPATH": str(copied_package), "SLIM_DATASETS": str(own)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == "6 4\n", result.stderr
