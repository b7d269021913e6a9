"""What a click in the report collects: the crops of a cell, or all that is known of a label.

A picture of label 3 that was taken for label 7 has the classes ``t3 p7`` and ``wrong`` (or
``right``), the sheet of label 3 has ``l3``; ``page.js`` collects by these classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Links = Callable[..., dict[str, str]]


def classes(true: int, taken: int) -> str:
    """Return the classes of a crop's picture."""
    return f"t{true} p{taken} {'right' if true == taken else 'wrong'}"


def links(confusion: npt.NDArray[np.integer], names: Sequence[str]) -> Links:
    """Return what makes an element a link: ``link(label)``, or ``link(true, taken)`` for a cell.

    Args:
        confusion: (C, C) counts of the split that the pictures are of.
        names: C names.
    """

    def link(true: int, taken: int | None = None) -> dict[str, str]:
        if taken is None:
            wanted = (
                f"figures|.l{true};of it, taken for others|.t{true}.wrong;"
                f"taken for it, wrongly|.p{true}.wrong;right|.t{true}.right"
            )
            return {"href": f"#label-{true}", "data_pick": wanted, "data_title": names[true]}
        number = f"{confusion[true, taken]:,} of {confusion[true].sum():,}"
        return {
            "href": f"#label-{taken}",
            "data_pick": f"some of them|.t{true}.p{taken}",
            "data_title": f"{number} {names[true]} taken for {names[taken]}",
        }

    return link
