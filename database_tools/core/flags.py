"""The flags of a command as fields of what it is asked for: name, type, default and help, once.

    @dataclass(frozen=True)
    class Request:
        pictures: Path = argument("folder of pictures")
        detector: Path | None = flag("file of a detector", "-d")              # -d, --detector
        threshold: float = flag("least confidence (%(default)s)", default=0.2)

    declare(parser, Request)
    asked = Request(**vars(parser.parse_args()))

The annotation is the type of a value: several values for a sequence, none for a bool.  That of
``Annotated[Path, read]`` is what ``read`` makes of the word.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Sequence
from dataclasses import MISSING
from typing import Any

SCHEDULER = "do the work on a Dask cluster, whose workers see the same files by the same paths"


def argument(text: str, *, kw_only: bool = False, **more: Any) -> Any:
    """Make a field that is a word without a flag, which may be left out with ``nargs="?"``.

    Args:
        text: its help.
        kw_only: as for dataclasses.
        more: whatever else argparse's ``add_argument`` takes.
    """
    default = None if more.get("nargs") == "?" else MISSING
    return dataclasses.field(default=default, kw_only=kw_only, metadata={"help": text, **more})


def flag(
    text: str, *names: str, default: Any = None, group: str | tuple[str, str] = "", **more: Any
) -> Any:
    """Make a field that is a flag.

    Args:
        text: its help.
        names: its short name, and its long one where that is not the field's with hyphens.
        default: of the field; none with ``required=True``.
        group: title, and what else is said, of the group of flags that begins here, and ends
            with the class.
        more: whatever else argparse's ``add_argument`` takes.
    """
    given = MISSING if more.get("required") else default
    facts = {"help": text, "names": names, "group": group, **more}
    return dataclasses.field(default=given, metadata=facts)


def scheduler() -> Any:
    """Make the field of all commands whose work a cluster can do."""
    return flag(SCHEDULER, "--dask_scheduler", metavar="ADDRESS")


def declare(
    parser: argparse.ArgumentParser,
    request: type,
    *,
    given_only: bool = False,
    underscores: bool = False,
) -> None:
    """Declare what ``argument`` and ``flag`` made; those of a base class come last.

    Args:
        parser: of the command.
        request: a dataclass.
        given_only: whether what is not given leaves no trace in the namespace.
        underscores: whether help spells flags with these, not with hyphens.
    """
    kinds = typing.get_type_hints(request, include_extras=True)
    left = {one.name: one for one in dataclasses.fields(request) if "help" in one.metadata}
    for cls in request.__mro__:
        add = parser.add_argument
        for name in [name for name in inspect.get_annotations(cls) if name in left]:
            one = left.pop(name)
            if title := one.metadata.get("group"):
                told = (title,) if isinstance(title, str) else title
                add = parser.add_argument_group(*told).add_argument
            long = f"--{name if underscores else name.replace('_', '-')}"
            names, options = _call(one, kinds[name], long)
            if given_only:
                options["default"] = argparse.SUPPRESS
            add(*names, **options)


underscored = functools.partial(declare, underscores=True)


def _call(
    one: dataclasses.Field[Any], kind: Any, long: str
) -> tuple[Sequence[str], dict[str, Any]]:
    """Return what ``add_argument`` is called with."""
    more = dict(one.metadata)
    names = more.pop("names", None)
    more.pop("group", None)
    options = _of_kind(kind) | more
    if one.default is not MISSING:
        options["default"] = one.default
        options["help"] = more["help"].replace("%(default)s", str(one.default))
    if names is None:
        return [one.name], options
    if not any(name.startswith("--") for name in names):
        names = (*names, long)
    return names, options | {"dest": one.name}


def _of_kind(kind: Any) -> dict[str, Any]:
    """Return type and number of values of an annotation."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):  # without None
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        if kind is bool:  # or a text
            return {}
    if kind is bool:
        return {"action": "store_true"}
    if read := getattr(kind, "__metadata__", None):
        return {"type": read[0]}
    if typing.get_origin(kind) is not None:
        return {**_of_kind(typing.get_args(kind)[0]), "nargs": "+"}
    return {} if kind is str else {"type": kind}
