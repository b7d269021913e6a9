"""The page stands alone, says what was found, and trusts no name."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from database_tools.core.errors import UserError
from database_tools.core.thresholds import PROMISE
from database_tools.formats import classifier_csv
from tf_classification.data.examples import Examples
from tf_classification.evaluation import charts, grids, judgement, report, report_alarm
from tf_classification.evaluation.judgement import Predictions, Truth
from tf_classification.evaluation.report_content import Content
from tf_classification.evaluation.summary import Evaluation
from tf_classification.models.calibration import Calibration

VOID = {"meta", "img", "link", "input"}
FOUR = Calibration(4.0)


class Checker(HTMLParser):
    """Collects the words and addresses of a page and checks that each tag is closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.words, self.sources, self.tags = [], [], [], set()
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def content_of(dataset, folder=None, calibration=FOUR, thresholds=None):
    """Judge perfect but unsure logits, with some mistakes, without a network."""
    judgements = []
    for split in ("train", "test"):
        examples = dataset.splits[split]
        rows = np.array([i for i, e in enumerate(examples.reader(range(len(examples)))) if e])
        wrong = rows % 7 == 0  # and less sure than the others
        said = np.where(wrong, (examples.labels[rows] + 1) % 3, examples.labels[rows])
        logits = np.where(wrong, 4, 8)[:, None] * np.eye(3)[said]
        batch = judgement.of_logits(rows, logits.astype(np.float32), calibration)
        truth, seen = Truth.of(examples), np.array([0, 1, 2])
        judgements.append(judgement.judge(split, truth, [batch], 3, seen))
        if folder is not None:
            keys = [str(key) for key in examples.keys[rows]]
            with classifier_csv.writing(folder / f"{split}.csv.gz", dataset.label_names) as writer:
                writer.write(keys, batch.probabilities)
    thresholds = {"badger": 0.5, "hare": None} if thresholds is None else thresholds
    names = dataset.label_names
    evaluation = Evaluation(
        names, calibration, thresholds, frozenset({"badger"}), 0.95, tuple(judgements)
    )
    return Content("<b>ckpt</b> & co", evaluation, dataset.splits)


@pytest.fixture(scope="module")
def content(dataset, tmp_path_factory):
    return content_of(dataset, tmp_path_factory.mktemp("report"))


def test_the_page_is_whole_and_loads_nothing(content):
    checker = Checker(report.page(content))
    assert "b" in checker.tags  # cards, but not the title's
    pictures = [source for source in checker.sources if not source.startswith("#")]
    assert pictures.pop(0) == "data:,"  # no icon
    assert pictures
    assert all(source.startswith("data:image/jpeg;base64,") for source in pictures)


def test_names_are_text_and_never_markup(content):
    page = report.page(content)
    assert "<fox>" not in page
    assert "&lt;fox&gt; &amp; co" in page
    assert "<b>ckpt" not in page


def test_the_page_says_what_was_found(content):
    words = " ".join(Checker(report.page(content)).words)
    test = content.main
    assert test.split == "test"
    accuracy = float(test.figures["new"].value("accuracy"))
    assert f"{accuracy:.1%}" in words
    assert "crops from 3 new locations" in words
    assert "temperature of 4.00" in words
    for heading in ("Seen and new locations", "Labels", "What is taken for what", "Pictures"):
        assert heading in words
    assert "always look" in words
    assert "0.50 shared" in " ".join(words.split())
    assert PROMISE in words
    assert re.search(r"On test they accept \d+% of the crops, of which [\d.]+% are right", words)
    # nothing that was chosen on test
    assert "confidence from" not in words


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({"badger": None, "<fox> & co": None, "hare": None}, "None can be accepted yet"),
        ({}, "No thresholds are known"),
        ({"badger": 1.1, "hare": None}, "On test they accept nothing"),
    ],
)
def test_the_page_promises_what_the_thresholds_do(dataset, tmp_path, thresholds, said):
    words = " ".join(Checker(report.page(content_of(dataset, tmp_path, FOUR, thresholds))).words)
    assert said in words
    assert not re.search(r"they accept \d", words)


def test_a_page_without_calibration_and_thresholds_does_not_speak_of_them(dataset, tmp_path):
    page = report.page(content_of(dataset, tmp_path, Calibration(), {}))
    words = " ".join(Checker(page).words)
    assert "no calibration" in words
    assert "always look" not in words
    assert "before calibration" not in words


def test_labels_with_the_most_mistakes_come_first_and_mistakes_before_the_rest(content):
    words = " ".join(Checker(report.page(content)).words)
    wrong = content.main.confusion.sum(axis=0) - np.diagonal(content.main.confusion)
    names = content.evaluation.label_names
    expected = [names[i] for i in np.argsort(-wrong, kind="stable")]
    places = [
        words.index(f"taken for {name}, {wrong[names.index(name)]} wrongly") for name in expected
    ]
    assert places == sorted(places)
    assert words.index("wrong, the surest first") < words.index("right, the least sure first")


def never_hares(dataset):
    """Judge a classifier that takes every hare for a badger."""
    truth = Truth.of(dataset.splits["test"])
    rows = np.delete(np.arange(len(truth.labels)), [5, 66])  # broken ones
    labels = truth.labels[rows]
    logits = np.where(labels[:, None] == 2, [[9, 0, 0]], 9 * np.eye(3)[labels])
    batch = judgement.of_logits(rows, logits.astype(np.float32), Calibration())
    judged = judgement.judge("test", truth, [batch], 3)
    return Evaluation(dataset.label_names, Calibration(), {}, frozenset(), 0.95, (judged,))


def test_a_label_that_is_never_predicted_is_named_with_what_it_was_learnt_from(dataset):
    assert "never predicted" not in report.page(content_of(dataset))
    found, train = never_hares(dataset), dataset.splits["train"]
    words = "|".join(Checker(report.page(Content("a", found, dataset.splits))).words)
    assert "1 label is never predicted on test." in words
    places = train.locations[train.labels == 2]
    row = ["hare", "badger (100%)", str(len(places)), str(len(np.unique(places)))]
    few = "few crops (fewer than 50) and few locations (fewer than 8)"
    assert "|".join([*row, few]) in words
    only_test = {"test": dataset.splits["test"]}
    words = "|".join(Checker(report.page(Content("a", found, only_test))).words)
    assert "hare|badger (100%)|–|–|unknown: there is no train split" in words


@pytest.mark.parametrize(
    ("crops", "locations", "said"),
    [
        (0, 0, "nothing to learn from"),
        (49, 8, "few crops (fewer than 50)"),
        (50, 7, "few locations (fewer than 8)"),
        (50, 8, "not its number: it may look like fox, or its labels may be wrong"),
    ],
)
def test_the_likely_reason_is_what_there_is_little_of(crops, locations, said):
    assert report_alarm.likely_reason(crops, locations, "fox") == said


def test_pictures_are_few_and_small(content):
    most = 9
    examples = content.splits["test"]
    names = content.evaluation.label_names
    found = grids.by_prediction(examples, content.main.predictions, names, most)
    shown = [thumbnail for grid in found for thumbnail in (*grid.wrong, *grid.right)]
    assert len(shown) == most
    for thumbnail in shown:
        image = Image.open(io.BytesIO(base64.b64decode(thumbnail.source.split(",")[1])))
        assert max(image.size) <= grids.SIDE
    for grid in found:
        assert all(t.taken == t.true == grid.taken for t in grid.right)
        assert all(t.taken == grid.taken != t.true for t in grid.wrong)


def test_every_kind_of_mistake_is_shown_before_a_second_of_any():
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 2], np.int32)
    predicted = np.array([1, 1, 1, 2, 0, 1, 2, 2, 2, 2])
    sure = np.array([0.5, 0.9, 0.7, 0.4, 0.6, 0.8, 0.9, 0.3, 0.5, 0.7], np.float32)
    where = np.arange(10)
    found = Predictions(where, where.astype(str), labels, labels, predicted, sure)
    everything = np.ones(10, bool)
    # 0 for 1 is commonest and 1 is its surest; of the right ones the surest, then the least sure
    assert grids.choose(found, everything, 6).tolist() == [1, 3, 4, 2, 5, 6]
    assert grids.choose(found, everything, 100).tolist() == [1, 3, 4, 2, 0, 5, 6, 7, 9, 8]
    assert 6 not in grids.choose(found, where != 6, 100)
    # labels that the matrix shows come first: 0 for 2 before 0 for 1, but not before its like
    assert grids.choose(found, everything, 6, [0, 2]).tolist() == [3, 1, 4, 2, 5, 6]


def test_people_are_not_shown(content):
    names = ("badger", "Human", "hare")
    found = grids.by_prediction(content.splits["test"], content.main.predictions, names)
    assert [names[grid.taken] for grid in found] == ["badger", "hare"]
    assert 1 not in {t.true for grid in found for t in (*grid.wrong, *grid.right)}


def test_pictures_of_a_label_are_grouped_by_what_they_were_taken_for(content):
    names = content.evaluation.label_names
    groups = grids.of_label(content.splits["test"], content.main.predictions, names, 0)
    assert set(groups) == {"badger", "<fox> & co"}
    assert all(1 <= len(pictures) <= 8 for pictures in groups.values())


def test_confusion_of_the_surest_crops_only_is_for_a_notebook(content):
    found = content.main.predictions
    table = found.confusion(3, at_least=0.5)
    assert np.array_equal(found.confusion(3), content.main.confusion)
    assert table.sum() == (found.confidences >= 0.5).sum()


def test_a_csv_is_judged_as_the_network_that_wrote_it(dataset, tmp_path):
    expected = content_of(dataset, tmp_path).main
    truth = Truth.of(dataset.splits["test"])
    with classifier_csv.reading(tmp_path / "test.csv.gz") as table:
        batches = judgement.of_csv(tmp_path / "test.csv.gz", table, truth)
        found = judgement.judge("test", truth, batches, 3, np.array([0, 1, 2]))
    for name in ("rows", "labels", "locations", "predicted", "confidences"):
        ours, theirs = (getattr(j.predictions, name) for j in (found, expected))
        assert np.array_equal(ours, theirs), name
    assert found.overall == pytest.approx(expected.overall, rel=1e-5)
    assert found.figures["new"].headline() == expected.figures["new"].headline()


def test_a_csv_of_other_crops_is_named(dataset, tmp_path):
    content_of(dataset, tmp_path)
    path, other = tmp_path / "test.csv.gz", Truth.of(dataset.splits["val"])
    rule = r"test\.csv\.gz: ds/test/0\.jpg___crop00_mdv4\.1\.jpg is not in the split"
    with classifier_csv.reading(path) as table, pytest.raises(UserError, match=rule):
        list(judgement.of_csv(path, table, other))


def test_shares_of_whole_width_end_where_the_scale_does():
    drawing = charts.interval_rows([("a", 1.0, 1.0, 1.0), ("b", 0.5, np.nan, np.nan)])
    assert "100.0% (100.0% to 100.0%)" in drawing
    assert drawing.count("<circle") == 2


@pytest.mark.slow
def test_a_click_on_a_cell_or_a_label_shows_its_crops(content, browser, tmp_path):
    (tmp_path / "report.html").write_text(report.page(content), encoding="utf-8")
    browser.open((tmp_path / "report.html").as_uri())
    shown = "document.querySelector('dialog[open]')"
    cell = content.main.confusion[0]
    title = f"{cell[1]} of {cell.sum()} badger taken for <fox> & co"
    pick = f"document.querySelector('svg a[data-title=\"{title}\"]')"
    browser.evaluate(f"{pick}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    captions = f"[...{shown}.querySelectorAll('figcaption')].map((x) => x.textContent)"
    found = browser.evaluate(captions)
    assert len(found) == min(cell[1], grids.MOST_IN_A_ROW)
    assert all(caption.startswith("badger ") for caption in found)
    browser.press("Escape")
    assert browser.evaluate(f"{shown} === null")
    label = "document.querySelector('table.find a[data-title=\"<fox> & co\"]')"
    browser.evaluate(f"{label}.focus()")
    browser.press("Enter")
    assert browser.evaluate(f"{shown}.querySelector('h2').textContent") == "<fox> & co"
    headings = browser.evaluate(f"[...{shown}.querySelectorAll('h4')].map((x) => x.textContent)")
    assert headings == ["figures", "of it, taken for others", "taken for it, wrongly", "right"]
    assert browser.evaluate(f"{shown}.querySelector('.l1 svg') !== null")


@pytest.mark.slow
def test_a_report_of_many_labels_stays_short_and_fits_a_phone(dataset, browser, tmp_path):
    names = tuple(f"Canis lupus subspecies of the northern plains {i}" for i in range(169))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 169, 600).astype(np.int32)
    picture = dataset.splits["test"].reader([0])[0]
    examples = Examples(
        np.array([f"{i}.jpg" for i in range(600)], np.dtypes.StringDType()),
        labels,
        labels % 9,
        np.ones(600, np.float32),
        lambda rows: [picture] * len(rows),
    )
    logits = rng.normal(0, 1, (600, 169)).astype(np.float32) + 3 * np.eye(169)[labels]
    batch = judgement.of_logits(np.arange(600), logits, Calibration())
    judged = judgement.judge("test", Truth.of(examples), [batch], 169)
    evaluation = Evaluation(names, Calibration(), {}, frozenset(), 0.95, (judged,))
    page = report.page(Content("many", evaluation, {"test": examples, "train": examples}))
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    for width, most in ((1200, 12_000), (390, 15_000)):
        browser.open((tmp_path / "report.html").as_uri(), width=width, phone=width < 400)
        size = "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
        height, across = browser.evaluate(size)
        assert height <= most
        assert across <= width
