"""A tracker whose server is down from the first point on."""

from __future__ import annotations

from shelfwise.track.tracker import Nothing


class Broken(Nothing):
    """Opens, and then refuses everything."""

    def scalar(self, name: str, value: float, step: int) -> None:
        raise ConnectionError("the server is down")
