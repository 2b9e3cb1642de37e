"""Silence chatty loggers for the length of a block."""

from __future__ import annotations

import logging


class Quiet:
    """Only errors are let through; "root" stands for the root logger."""

    def __init__(self, *names: str) -> None:
        self._loggers = [logging.getLogger(None if name == "root" else name) for name in names]

    def __enter__(self) -> None:
        self._levels = [logger.level for logger in self._loggers]
        for logger in self._loggers:
            logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        for logger, level in zip(self._loggers, self._levels, strict=True):
            logger.setLevel(level)
