"""Shelfwise: a self-hosted recommender for shops, driven by pretrained language models.

Examples:
    >>> from shelfwise import Shop  # doctest: +SKIP
    >>> shop = Shop.open("my-shop")  # doctest: +SKIP
    >>> shop.recommend("some user", k=10)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shelfwise.shop import Shop

__version__ = "0.1.0"
__all__ = ["Shop", "__version__"]


def __getattr__(name: str) -> Any:
    # `import shelfwise` costs nothing; the facade and what it needs come when first asked for.
    if name == "Shop":
        from shelfwise.shop import Shop

        return Shop
    raise AttributeError(f"module 'shelfwise' has no attribute {name!r}")
