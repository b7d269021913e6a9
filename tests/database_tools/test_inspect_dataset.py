"""inspect_dataset: the page and the notebook show what a dataset holds, and never people."""

import json
from pathlib import Path

import nbclient
import nbformat
import pytest

from database_tools import inspect_dataset
from database_tools.datasets import inspection
from database_tools.formats import classification_csv

NOTEBOOK = Path(inspect_dataset.__file__).with_suffix(".ipynb")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, scene):
    """Foxes at four places, people at one; one crop of a fox is no picture."""
    folder = tmp_path_factory.mktemp("inspected")
    (folder / "crops").mkdir()
    rows = []
    for n in range(8):
        label = "human" if n == 7 else "fox"
        scene(n).save(folder / "crops" / f"{label}{n}.jpg")
        place, confidence = "abcd"[n // 2], 0.2 + 0.1 * n
        rows.append(
            classification_csv.Crop(f"{label}{n}.jpg", "ds", place, "x", confidence, (label,))
        )
    (folder / "crops" / "fox3.jpg").write_bytes(b"no picture")
    classification_csv.write(folder / classification_csv.NAME, rows)
    splits = {"train": [["ds", "a"], ["ds", "b"]], "val": [["ds", "c"]], "test": [["ds", "d"]]}
    (folder / "splits.json").write_text(json.dumps(splits), "utf-8")
    return folder


def run(folder, *words):
    words = ["-c", str(folder / "crops"), "--page", str(folder / "page.html"), *words]
    return inspect_dataset.main([str(folder), *words])


def test_the_page_has_samples_shares_extremes_and_a_box_plot(dataset, capsys):
    assert run(dataset, "--samples", "9", "--locations", "1", "0.3", "--crops", "0", "0") == 0
    page = (dataset / "page.html").read_text("utf-8")
    assert page.count("<img") == 6  # seven foxes, of which one cannot be read, and no human
    assert "cannot be decoded" in page or "not an image" in page
    assert "human7.jpg" not in page
    assert "People are never shown." in page
    assert "<td>4 (57.1%)</td><td>2 (28.6%)</td><td>1 (14.3%)</td><td>7</td>" in page
    assert "<title>fox: 0.20, 0.35, 0.50, 0.65, 0.80</title>" in page
    assert "fox: 1 locations in val, 25.0% of the label" in capsys.readouterr().out


def test_the_samples_of_a_label_are_drawn_by_a_seed_from_all_of_them(dataset):
    drawn = {inspection.read(dataset, each=2, seed=seed).samples["fox"] for seed in range(40)}
    assert {name for names in drawn for name in names} == {f"fox{n}.jpg" for n in range(7)}
    assert all(len(set(names)) == 2 for names in drawn)
    again = inspection.read(dataset, each=2, seed=3).samples
    assert again == inspection.read(dataset, each=2, seed=3).samples
    assert again["human"] == ()


def test_the_notebook_shows_the_same(dataset):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace('Path("/path/to/crops")', 'Path("crops")')
    where = {"metadata": {"path": str(dataset)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=where).execute()
    found = json.dumps(notebook)
    assert "image/svg+xml" in found
    assert "data:image/jpeg;base64" in found
    assert "human7.jpg" not in found
    assert "4 (57.1%)" in found
    assert "fox: 1 crops in test, 14.3% of the label" not in found  # above 9 %
    assert "fox: 1 locations in test, 25.0% of the label" in found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--samples", "-1"], "--samples must be at least 0, got -1"),
        (["--train-crops", "10", "40"], "--train_crops: a share must be in [0, 1], got 40.0"),
        (["-c", "nowhere"], "nowhere: no such folder, given as --cropped-images-dir"),
    ],
)
def test_impossible_requests_are_one_line(dataset, words, said, capsys):
    assert run(dataset, *words) == 2
    assert said in capsys.readouterr().err
