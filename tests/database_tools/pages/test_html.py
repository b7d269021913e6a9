"""Text is text wherever it enters a page, and parts stay parts."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

import pytest

from database_tools.pages import html, svg

HOSTILE = '<script>alert("x")</script> & \''
ESCAPED = "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp; &#39;"


@pytest.mark.parametrize(
    "write",
    [
        lambda text: html.tag("p", text),
        lambda text: html.tag("img", alt=text),
        lambda text: html.section(text),
        lambda text: html.section("a", html.tag("p", "b"), text),
        lambda text: html.fold("a", text, opened=True),
        lambda text: html.table([text], []),
        lambda text: html.table(["a"], [[text]]),
        lambda text: html.document(text),
        lambda text: svg.text(0, 0, text),
        lambda text: svg.title(text),
        lambda text: svg.shape("rect", svg.title("a"), fill=text),
        lambda text: svg.picture(1, 1, text),
        lambda text: svg.Axes(300, text, "b").frame,
    ],
)
def test_text_is_escaped_once(write):
    written = write(HOSTILE)
    assert ESCAPED in written
    assert HOSTILE not in written


def test_parts_stay_markup():
    part = html.tag("b", "x")
    assert html.tag("p", part, " & ", part) == "<p><b>x</b> &amp; <b>x</b></p>"
    assert html.tag("br") == "<br>"
    drawn = svg.line([(0, 0.5), (1, 2.25)], "#fff", stroke_width=1)
    assert drawn.startswith('<polyline points="0,0.5 1,2.25" fill="none" stroke="#fff"')
    assert html.tag("p", drawn) == f"<p>{drawn}</p>"


def test_a_page_loads_nothing_from_anywhere_and_runs_its_own_script_only():
    page = html.document("a", html.tag("p", "b"), script="let x = 1;\n")
    assert page.startswith("<!doctype html>")
    assert "http" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1].replace("&#39;", "'")
    assert policy == html.policy("let x = 1;\n")
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed.pop("default-src") == allowed.pop("base-uri") == "'none'"
    assert allowed.pop("form-action") == "'none'"
    assert allowed.pop("img-src") == "data:"
    for element, rule in (("style", "style-src"), ("script", "script-src")):
        texts = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in texts]
        assert allowed.pop(rule).split() == [f"'sha256-{digest}'" for digest in digests]
    assert not allowed


def test_sections_are_listed_in_the_contents():
    page = html.document("a", html.section("Birds & co"), html.section("Fish"), html.tag("p", "x"))
    assert (
        '<li><a href="#part-1">Birds &amp; co</a></li><li><a href="#part-2">Fish</a></li>' in page
    )
    assert '<section id="part-2"><h2>Fish</h2></section>' in page
    assert "Contents" not in html.document("a", html.section("Birds"))


def test_every_colour_of_a_chart_has_one_in_the_dark():
    style = resources.files("database_tools.pages").joinpath("page.css").read_text("utf-8")
    dark = style[style.index("prefers-color-scheme: dark") :]
    for colour in (svg.GREEN, svg.ORANGE, svg.BLUE, svg.INK, svg.GREY, svg.PALE):
        assert f'="{colour}"]' in dark
