"""Text is text wherever it enters a page, and parts stay parts."""

from __future__ import annotations

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
    assert "<script" not in written


def test_parts_stay_markup():
    part = html.tag("b", "x")
    assert html.tag("p", part, " & ", part) == "<p><b>x</b> &amp; <b>x</b></p>"
    assert html.tag("br") == "<br>"
    drawn = svg.line([(0, 0.5), (1, 2.25)], "#fff", stroke_width=1)
    assert drawn.startswith('<polyline points="0,0.5 1,2.25" fill="none" stroke="#fff"')
    assert html.tag("p", drawn) == f"<p>{drawn}</p>"


def test_a_page_loads_nothing_from_anywhere():
    page = html.document("a", html.tag("p", "b"))
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert "http" not in page
