from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from database_tools.core import flags
from database_tools.core.flags import argument, flag


@dataclass(frozen=True, kw_only=True)
class Base:
    tables: Sequence[Path] = argument("tables")
    least: float = flag("least (%(default)s)", "-t", default=0.25)
    plain: int = 7  # no flag


@dataclass(frozen=True, kw_only=True)
class Asked(Base):
    model: Path | None = argument("model", nargs="?")
    output_dir: Path = flag("where to", "-o", "--output_dir", required=True)
    seed: int | None = flag("of draws", group="more")
    names: Sequence[str] | None = flag("names")
    all_of_it: bool = flag("all", default=False)
    weights: bool | str = flag("weights", default=False, nargs="?", const=True)
    kind: str = flag("kind", default="a", choices=("a", "b"))


def parse(*words, **how):
    parser = argparse.ArgumentParser()
    flags.declare(parser, Asked, **how)
    return parser, vars(parser.parse_args(words))


def test_a_request_is_made_of_its_own_flags():
    words = "model a.csv b.csv -o out --seed 3 --names x y --all-of-it --weights w -t 0.5 --kind b"
    found = Asked(**parse(*words.split())[1])
    expected = Asked(
        tables=[Path("a.csv"), Path("b.csv")],
        least=0.5,
        model=Path("model"),
        output_dir=Path("out"),
        seed=3,
        names=["x", "y"],
        all_of_it=True,
        weights="w",
        kind="b",
    )
    assert found == expected


def test_a_default_is_that_of_the_field_and_is_said_in_the_help():
    parser, found = parse("model", "a.csv", "-o", "out", "--weights")
    given = {"tables": [Path("a.csv")], "model": Path("model"), "output_dir": Path("out")}
    left = {"seed": None, "names": None, "all_of_it": False, "kind": "a", "least": 0.25}
    assert found == given | left | {"weights": True}
    text = parser.format_help()
    assert "least (0.25)" in text
    assert text.rindex("--least") < text.index("more:") < text.rindex("--kind")


def test_what_is_not_given_leaves_no_trace_if_that_is_wanted():
    _, found = parse("model", "a.csv", "-o", "out", given_only=True)
    assert set(found) == {"tables", "model", "output_dir"}


def test_a_flag_that_must_be_given_is_missed():
    with pytest.raises(SystemExit):
        parse("model", "a.csv")
    with pytest.raises(TypeError, match="output_dir"):
        Asked(tables=())
