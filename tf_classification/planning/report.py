"""A plan as a table for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tf_classification.planning.costs import Figure, Stage, total
from tf_classification.planning.planning import Plan


def lines(plan: Plan) -> Iterator[str]:
    """Yield the plan as a table for people."""
    yield (
        f"{plan.pictures:,} pictures, of which {plan.sampled:,} were tried:"
        f" {_range(plan.crops, _count)} crops"
    )
    yield ""
    here = f"here ({plan.cores} cores)"
    head = ["stage", "items", "processors", here, "memory", "disk"]
    if plan.workers is not None:
        head.insert(4, f"{plan.workers} workers")
    rows = [head, *(_row(plan, stage, items) for stage, items in plan.stages), _sums(plan)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join([first, *(cell.strip().rjust(len(cell)) for cell in rest)])


def _row(plan: Plan, stage: Stage, items: Figure) -> list[str]:
    row = [stage.name, f"{_count(items.value)} {stage.unit}", _range(stage.cpu(items), _time)]
    row.append(_range(stage.wall(items, plan.cores), _time))
    if plan.workers is not None:
        row.append(_range(stage.wall_on(items, plan.workers), _time))
    return [*row, _size(stage.memory), _range(stage.disk(items), _size)]


def _sums(plan: Plan) -> list[str]:
    every = plan.stages
    row = ["all", "", _range(total([s.cpu(n) for s, n in every]), _time)]
    row.append(_range(total([s.wall(n, plan.cores) for s, n in every]), _time))
    if plan.workers is not None:
        on = [s.wall_on(n, plan.workers) for s, n in every]
        row.append(_range(total(on), _time))
    most = max(s.memory for s, _ in every)
    return [*row, _size(most), _range(total([s.disk(n) for s, n in every]), _size)]


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the plan in seconds and bytes; each figure with its 95 % interval."""
    return {
        "pictures": plan.pictures,
        "sample": plan.sampled,
        "crops": plan.crops._asdict(),
        "cores": plan.cores,
        "workers": plan.workers,
        "stages": [_stage(plan, stage, items) for stage, items in plan.stages],
    }


def _stage(plan: Plan, stage: Stage, items: Figure) -> dict[str, Any]:
    on_workers = None if plan.workers is None else stage.wall_on(items, plan.workers)._asdict()
    return {
        "stage": stage.name,
        "unit": stage.unit,
        "items": items._asdict(),
        "cpu_seconds": stage.cpu(items)._asdict(),
        "cpu_seconds_to_start": stage.cost.cpu.start,
        "cpu_seconds_each": stage.cost.cpu.each,
        "wall_seconds": stage.wall(items, plan.cores)._asdict(),
        "wall_seconds_on_workers": on_workers,
        "memory_bytes": stage.memory,
        "disk_bytes": stage.disk(items)._asdict(),
    }


def _range(figure: Figure, show: Callable[[float], str]) -> str:
    value, low, high = map(show, figure)
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
