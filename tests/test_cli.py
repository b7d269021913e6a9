"""The manners that every command shares."""

from __future__ import annotations

import pytest

from database_tools import cli
from database_tools.core.errors import FormatError, UserError


@pytest.fixture
def parser():
    parser = cli.Parser("thing.py", "Do a thing.")
    parser.add_argument("--test_fraction", type=float, default=0.2)
    parser.add_argument("--square-crops", action="store_true")
    parser.add_argument("names", nargs="*")
    return parser


@pytest.mark.parametrize("flag", ["--test_fraction", "--test-fraction"])
def test_dash_and_underscore_are_one(parser, flag):
    assert parser.parse_args([flag, "0.5"]).test_fraction == 0.5
    assert parser.parse_args([f"{flag}=0.5"]).test_fraction == 0.5


def test_values_and_words_after_two_dashes_keep_their_spelling(parser):
    args = parser.parse_args(["a_b-c", "--", "--square_crops"])
    assert args.names == ["a_b-c", "--square_crops"]
    assert not args.square_crops


def test_an_abbreviation_is_an_error(parser, capsys):
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--test", "0.5"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_users_mistake_is_one_line_and_status_two(parser, capsys):
    def work(args):
        raise UserError("--threshold must be in [0, 1], got 90")

    assert cli.run(parser, work, []) == 2
    assert capsys.readouterr().err == "thing.py: error: --threshold must be in [0, 1], got 90\n"


def test_a_bug_keeps_its_traceback(parser):
    with pytest.raises(ZeroDivisionError):
        cli.run(parser, lambda args: 1 // 0, [])


def test_interrupted_is_130_and_done_is_0(parser, capsys):
    def interrupt(args):
        raise KeyboardInterrupt

    assert cli.run(parser, interrupt, []) == 130
    assert cli.run(parser, lambda args: None, []) == 0
    assert cli.run(parser, lambda args: 3, []) == 3


def test_progress_yields_everything():
    assert list(cli.progress(range(3), desc="counting")) == [0, 1, 2]


def test_a_format_error_names_file_place_and_rule():
    error = FormatError("cct.json", "images[17]", 'no key "location"')
    assert str(error) == 'cct.json: images[17]: no key "location"'
