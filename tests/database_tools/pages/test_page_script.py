"""What the script of all pages does in a browser: by mouse, and by keyboard alone."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from database_tools.pages import html
from database_tools.pages.html import tag

pytestmark = pytest.mark.slow


def figure(name, grey):
    file = io.BytesIO()
    Image.new("L", (30, 20), grey).save(file, "PNG")
    source = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    image = tag("img", src=source, alt=name)
    return tag("figure", image, tag("figcaption", name), cls="wrong t1")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    rows = [["Fuchs", "7"], ["Bär", "10"], ["Hase", "–"], ["野猪", "9.5%"]]
    pick = {"href": "#x", "data_pick": "crops|.t1;others|.t2", "data_title": "<b>Fuchs"}
    hidden = html.fold("more", tag("p", "Igel", data_name="Igel"), opened=False)
    pictures = tag("div", figure("a", 10), figure("b", 90), figure("c", 200), cls="grid keys")
    page = html.document(
        "a page",
        html.section("Table", html.table(["name", "share"], rows, cls="find"), hidden),
        html.section("Pictures", pictures, tag("a", "Fuchs", **pick)),
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    browser.open(address)
    return browser


NAMES = """[...document.querySelectorAll("tbody tr")].filter((row) => row.checkVisibility())
    .map((row) => row.cells[0].textContent)"""
FOCUSED = "document.activeElement.alt"
LARGE = "document.querySelector('dialog.large[open] figcaption')?.textContent"


def test_a_click_on_a_head_sorts_by_number_and_puts_what_is_none_last(page):
    share = "document.querySelectorAll('th button')[1].click()"
    page.evaluate(share)
    assert page.evaluate(NAMES) == ["Fuchs", "野猪", "Bär", "Hase"]
    page.evaluate(share)
    assert page.evaluate(NAMES) == ["Bär", "野猪", "Fuchs", "Hase"]
    assert page.evaluate("document.querySelectorAll('th')[1].ariaSort") == "descending"
    page.evaluate("document.querySelectorAll('th button')[0].click()")
    assert page.evaluate(NAMES)[:3] == ["Bär", "Fuchs", "Hase"]


@pytest.mark.parametrize(
    ("typed", "left", "opened"),
    [("bar", ["Bär"], False), ("猪", ["野猪"], False), ("igel", [], True), ("zzz", [], False)],
)
def test_the_search_hides_what_is_called_otherwise_and_opens_what_holds_a_match(
    page, typed, left, opened
):
    page.press("/")
    page.call("Input.insertText", text=typed)
    assert page.evaluate(NAMES) == left
    assert page.evaluate("document.querySelector('main details').open") == opened
    said = page.evaluate("document.querySelector('output').textContent")
    assert said == ("nothing found" if typed == "zzz" else "")
    page.evaluate("document.activeElement.select()")
    page.press("Backspace")
    assert len(page.evaluate(NAMES)) == 4
    assert not page.evaluate("document.querySelector('main details').open")


def test_pictures_are_reached_enlarged_and_left_by_keyboard(page):
    page.evaluate("document.querySelector('.keys img').focus()")
    page.press("ArrowRight")
    assert page.evaluate(FOCUSED) == "b"
    assert page.evaluate("document.querySelectorAll('.keys [tabindex=\"0\"]').length") == 1
    page.press("Enter")
    assert page.evaluate(LARGE) == "b"
    page.press("ArrowRight")
    assert page.evaluate(LARGE) == "c"
    page.press("ArrowRight")  # there is no other
    assert page.evaluate(LARGE) == "c"
    page.press("Escape")
    assert page.evaluate(LARGE) is None
    assert page.evaluate(FOCUSED) == "b"


def test_a_pick_collects_copies_under_their_headings(page):
    page.evaluate("document.querySelector('a[data-pick]').focus()")
    page.press("Enter")
    said = "document.querySelector('dialog.picked[open]').innerText"
    assert page.evaluate(said).split() == ["close", "<b>Fuchs", "crops", "a", "b", "c"]
    assert page.evaluate("document.querySelectorAll('main figure').length") == 3
    page.evaluate("document.querySelector('dialog.picked img').click()")
    assert page.evaluate(LARGE) == "a"


@pytest.mark.parametrize(
    ("element", "properties", "refused"),
    [
        ("img", "{src: 'https://example.org/a.png'}", "img-src"),
        ("script", "{text: 'x = 1'}", "script-src-elem"),
    ],
)
def test_whatever_gets_into_the_page_asks_nobody_for_anything(page, element, properties, refused):
    told = page.evaluate(
        f"""new Promise((done) => {{
            document.addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective));
            document.body.append(Object.assign(document.createElement("{element}"), {properties}));
        }})"""
    )
    assert told == refused


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_a_page_is_dark_where_the_reader_wants_it_so(browser, address, scheme, dark):
    browser.open(address, scheme=scheme)
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(18, 23, 21)") == dark
