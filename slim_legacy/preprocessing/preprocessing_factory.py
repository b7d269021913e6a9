"""Which names of networks are prepared for in Inception's way: all that the product has."""

from __future__ import annotations

from database_tools.core.errors import UserError

_INCEPTION = ("inception", "mobilenet", "nasnet", "tiny")


def check(name: str) -> None:
    """Raise UserError if pictures cannot be prepared as for the network ``name``.

    The original's other ways (``vgg_preprocessing``, ``lenet``, ``cifarnet``) belong to networks
    that are not part of the product.
    """
    if not name.startswith(_INCEPTION):
        raise UserError(
            f"Preprocessing name [{name}] was not recognized: it starts with one of "
            + ", ".join(_INCEPTION)
        )
