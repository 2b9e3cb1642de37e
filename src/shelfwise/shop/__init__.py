"""The facade `Shop`: one method per verb."""

from shelfwise.shop.facade import Shop

__all__ = ["Shop"]
