import pytest

from database_tools.core.errors import FormatError
from database_tools.formats import label_map


def test_classes_both_ways(tmp_path):
    path = tmp_path / "label_map.pbtxt"
    names = {0: "red fox", 1: 'a "quoted" name', 2: "naïve\\cat"}
    label_map.write(path, names)
    assert path.read_text("utf-8").startswith('item {name: "red fox" id: 0}\n')
    assert label_map.read(path) == names


def test_object_detection_apis_own_layout(tmp_path):
    path = tmp_path / "label_map.pbtxt"
    path.write_text(
        "# classes\nitem {\n  name: '/m/0jbk'\n  id: 16\n  display_name: \"bear {grizzly}\"\n}\n"
        "\nitem {\n  id: 1\n  name: 'animal'\n}\n"
    )
    assert label_map.read(path) == {16: "bear {grizzly}", 1: "animal"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("item { # was {id: 2}\n name: 'a' id: 1 }", {1: "a"}),
        ("# item {name: 'gone' id: 9}\nitem {name: 'a' # } it's \" open\n id: 1}", {1: "a"}),
        ("item {name: 'no # comment' id: 1}", {1: "no # comment"}),
        ("item: {id: 1, name: \"a } 'b' {\";}", {1: "a } 'b' {"}),
        ("item {id: 1 name: 'car' keypoints {id: 5 label: 'wheel'} keypoints {id: 6}}", {1: "car"}),
        (r"item {id: 1 name: 'caf\303\251 \'x\' \\ \x41\u00e9'}", {1: "café 'x' \\ Aé"}),
        ("item {id: 1 name: 'red ' \"fox\"}", {1: "red fox"}),
        ("\ufeffitem {id: -1 name: 'a'}", {-1: "a"}),
    ],
)
def test_comments_quotes_and_messages_within(tmp_path, text, names):
    path = tmp_path / "label_map.pbtxt"
    path.write_text(text, encoding="utf-8")
    assert label_map.read(path) == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no item"),
        ("\nitem {name: 'a'}", "line 2: this item needs an id"),
        ("item {name: 'a' id: 1}\nitem {name: 'b' id: 2", "line 2: this item needs"),
        ("item {name: 'a\n id: 1}", "line 1: this item needs"),
        ("item {name: 'a' id: 1}\nitem {name: 'b' id: 1}", "line 2: the id 1 is there twice"),
    ],
)
def test_broken_map_says_where(tmp_path, text, said):
    path = tmp_path / "label_map.pbtxt"
    path.write_text(text)
    with pytest.raises(FormatError, match=said):
        label_map.read(path)
