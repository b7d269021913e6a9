"""A plan as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add

from tf_classification.planning.costs import Figure
from tf_classification.planning.planning import Plan


def lines(plan: Plan) -> Iterator[str]:
    """Yield the plan as a table."""
    yield (
        f"{plan.pictures:,} pictures, of which {plan.sample:,} were tried:"
        f" {_range(plan.crops, _count)} crops"
    )
    yield ""
    every = plan.stages
    memory = [stage.memory_bytes for stage in every]
    columns = [
        ["stage", *(stage.stage for stage in every), "all"],
        ["items", *(f"{_count(stage.items.value)} {stage.unit}" for stage in every), ""],
        _column("processors", [stage.cpu_seconds for stage in every], _time),
        _column(f"here ({plan.cores} cores)", [stage.wall_seconds for stage in every], _time),
        _column(f"{plan.workers} workers", [s.wall_seconds_on_workers for s in every], _time),
        ["memory", *map(_size, memory), _size(max(memory))],
        _column("disk", [stage.disk_bytes for stage in every], _size),
    ]
    widths = [max(map(len, column)) for column in columns]
    for first, *rest in zip(*columns, strict=True):
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True) if width)
        yield "  ".join([first.ljust(widths[0]), *cells])


def _column(title: str, figures: list[Figure | None], show: Callable[[float], str]) -> list[str]:
    """Return a column and its sum; empty cells, if there are no figures."""
    known = [figure for figure in figures if figure is not None]
    if not known:
        return [""] * (len(figures) + 2)
    return [title, *(_range(figure, show) for figure in (*known, reduce(add, known)))]


def _range(figure: Figure, show: Callable[[float], str]) -> str:
    value, low, high = map(show, (figure.value, figure.low, figure.high))
    return value if low == high else f"{value} ({low} - {high})"


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _time(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _size(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"
