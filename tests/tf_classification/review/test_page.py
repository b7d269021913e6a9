"""Deciding in a headless Chromium, by keyboard alone."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from database_tools import save_mislabeled
from database_tools.formats import mislabeled_csv, timelapse_csv
from tf_classification import review_mislabeled
from tf_classification.review import deciding, labelling, reviewing
from tf_classification.review.deciding import Item

pytestmark = pytest.mark.slow

CURRENT = "document.querySelector('[aria-current=true]').dataset.key"
SAID = "document.getElementById('said').textContent"
VISIBLE = """[...document.querySelectorAll('#decide article')]
    .filter((item) => !item.hidden).map((item) => item.dataset.key)"""
CHOICES = [("wolf", "canid"), ("fox", "canid"), ("elk", "cervid"), ("empty", "")]


def item(key, place="1", predicted="cervid"):
    return Item(key, Markup("<p></p>"), "idfg", "wolf", "canid", place, predicted)


@pytest.fixture
def page(browser, tmp_path):
    """A page of five pictures, opened; its folder, and so its storage, is new."""
    items = [item("idfg/a/0.jpg"), item('idfg/a/1, "x".jpg', "2", "canid")]
    items += [item(f"idfg/b/{i}.jpg", "3") for i in range(3)]
    task = reviewing.task({"idfg": CHOICES})
    deciding.write(tmp_path / "review", "test", task, lambda pictures: items)
    browser.open((tmp_path / "review" / "index.html").as_uri())
    return browser


def exported(path):
    return {file: correct for _, file, correct in timelapse_csv.read(path)}


def test_answers_by_keys_are_kept_undone_and_exported(page, export, tmp_path):
    page.press("p")  # one class has the predicted label
    assert "it is elk" in page.evaluate(SAID)
    assert page.evaluate(CURRENT) == 'idfg/a/1, "x".jpg'
    page.press("p")  # wolf or fox: it asks
    page.press("ArrowDown")
    page.press("ArrowDown")
    page.press("Enter")
    assert "it is fox" in page.evaluate(SAID)
    page.press("u")
    page.press("Enter")  # the label is right
    page.press("4")
    assert "no label wants it: removed" in page.evaluate("document.body.textContent")
    assert "All that are shown are decided" in page.evaluate(SAID)
    page.press("z")
    page.press("z")
    assert page.evaluate(CURRENT) == "idfg/b/1.jpg"
    page.press("1")  # its own class: the label is right
    page.press("/")
    for sign in "emp":
        page.press(sign)
    page.press("Enter")
    page.open(page.evaluate("location.href"))  # once more
    assert page.evaluate("document.getElementById('done').textContent") == "5 of 5 decided"
    found = export("mislabeled_images.csv")
    assert exported(found) == {
        "a/0.jpg": "elk", 'a/1, "x".jpg': "fox", "b/0.jpg": "", "b/2.jpg": "empty",
    }  # fmt: skip
    assert "1.jpg,idfg\\b,false,,\n" in found.read_text()
    assert save_mislabeled.main([str(tmp_path), str(found)]) == 0
    kept = mislabeled_csv.read(tmp_path / "megadb_mislabeled", "idfg")
    assert kept == exported(found)


def test_a_second_animal_is_noted_beside_the_answer(page, export):
    page.press("+")
    for sign in "fox":
        page.press(sign)
    page.press("Enter")
    assert page.evaluate(CURRENT) == "idfg/a/0.jpg"
    page.press("Enter")
    page.press("+")
    page.press("ArrowDown")
    page.press("Enter")
    page.press("+")  # again: none
    rows = export("mislabeled_images.csv").read_text().splitlines()
    assert rows[0] == "File,RelativePath,mislabeled,correct_class,second_animal"
    assert rows[1] == "0.jpg,idfg\\a,false,,fox"
    assert len(rows) == 2


def test_a_filter_shows_one_location_and_what_is_to_decide(page):
    page.press("f")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "location"
    page.press("3")  # a select takes what begins so
    page.wait(f"{VISIBLE}.length === 3")
    page.evaluate("document.activeElement.blur()")
    assert page.evaluate(CURRENT) == "idfg/b/0.jpg"
    page.press("j")
    page.press("j")
    page.press("j")  # there is no other
    assert page.evaluate(CURRENT) == "idfg/b/2.jpg"
    page.press("k")
    assert page.evaluate(CURRENT) == "idfg/b/1.jpg"
    page.evaluate(
        """const state = document.querySelector('[aria-label=state]');
        state.value = '=to decide'; state.dispatchEvent(new Event('change'))"""
    )
    page.press("u")
    page.press("u")
    assert page.evaluate(VISIBLE) == ["idfg/b/0.jpg", "idfg/b/2.jpg"]  # the latter just decided


def test_all_can_be_reached_by_tab_and_buttons_do_what_keys_do(page):
    seen = []
    for _ in range(30):
        page.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.ariaLabel"
                                  " || document.activeElement.textContent.trim()"))  # fmt: skip
    assert "location" in seen
    assert "export" in seen
    assert "idfg/a/0.jpg" in seen
    assert any("second animal" in said for said in seen)
    page.evaluate("[...document.querySelectorAll('#bar button')].at(-5).focus()")
    page.press("Enter")  # of the button, not of the page
    assert "it is elk" in page.evaluate(SAID)


def test_a_class_that_is_typed_is_offered_from_then_on(browser, tmp_path, export):
    items = [Item(f"{i}.jpg", Markup("<p></p>"), place=f"p{i}") for i in range(4)]
    deciding.write(tmp_path / "label", "test", labelling.task(["deer"]), lambda pictures: items)
    browser.open((tmp_path / "label" / "index.html").as_uri())
    browser.press("/")
    for sign in "elk":
        browser.press(sign)
    browser.press("Enter")
    browser.press("2")
    browser.press("n")
    browser.press("1")
    assert export("answers.csv").read_text() == (
        "path,label,decision,location\n"
        "0.jpg,elk,,p0\n1.jpg,elk,,p1\n2.jpg,,no animal,p2\n3.jpg,deer,,p3\n"
    )


def test_pictures_load_when_they_are_seen_and_the_page_opens_quickly(world, browser, tmp_path):
    out = tmp_path / "review"
    words = world.words(out, "-i", world.images, "-j", world.detections)
    assert review_mislabeled.main(words) == 0
    browser.open((out / "index.html").as_uri())
    first = "document.querySelector('.whole img')"
    browser.wait(f"{first}.complete && {first}.naturalWidth === 1024")
    box = browser.evaluate("JSON.stringify(document.querySelector('.box').getBoundingClientRect())")
    assert '"width":0' not in box
    browser.press("v")
    assert browser.evaluate("document.querySelector('dialog.large[open]') !== null")
    browser.press("Escape")
