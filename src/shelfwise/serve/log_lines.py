"""What a server writes to standard error: text for people, or a JSON object a line for machines.

Lines tell what the server does, never of whom: no id of a shopper, no text of theirs, no key.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Literal

import orjson


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, and of an error its `error` and `traceback`.

    What a record carries under `told` stands beside them.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        line |= getattr(record, "told", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def log_configuration(level: str, lines: Literal["plain", "json"]) -> dict[str, Any]:
    """A configuration for `logging.config`: everything on standard error; of uvicorn only what is wrong."""
    formatters = {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": f"{JsonLines.__module__}.{JsonLines.__name__}"},
    }
    handlers = {"stderr": {"class": "logging.StreamHandler", "formatter": lines, "stream": "ext://sys.stderr"}}
    # What strangers send is no warning of ours.
    levels = {"shelfwise": level, "uvicorn": "ERROR", "asyncio": "ERROR"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": formatters,
        "handlers": handlers,
        "loggers": {
            name: {"handlers": ["stderr"], "level": of_name, "propagate": False} for name, of_name in levels.items()
        },
    }
