import xml.etree.ElementTree as ET

from database_tools.pages import tree
from database_tools.pages.tree import Node


def test_each_node_is_a_line_of_words_and_each_child_is_joined_to_its_parent():
    nodes = [Node(0, "a <b>"), Node(1, "c", stands_out=True), Node(1, "d"), Node(2, "e")]
    root = ET.fromstring(tree.draw(nodes, "label"))
    kinds = [element.tag.rpartition("}")[2] for element in root]
    assert [element.text for element in root if element.text] == ["a <b>", "c", "d", "e"]
    assert kinds.count("polyline") == 3
    bold = [element.text for element in root if element.get("font-weight") == "bold"]
    assert bold == ["c"]


def test_as_a_page_each_node_is_a_row_that_is_found():
    page = tree.page([Node(0, "a <b>"), Node(1, "c", stands_out=True)], "Tree")
    assert '<table class="find">' in page
    assert "<tr><td>a &lt;b&gt;</td></tr><tr><td>\u2003<b>c</b></td></tr>" in page
    assert "labels in bold: 1" in page
