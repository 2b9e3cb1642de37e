"""Every error that Shelfwise raises on purpose.

    ShelfwiseError              code, found, expected, where, hint; exit code 1, HTTP 500
    ├── InputError              the caller's input; exit code 2, HTTP 400
    │   ├── ConfigError         `shop.toml` or a component's options; where = path of the key
    │   ├── DataError           a file of items, users or events; where = file and line
    │   ├── QueryError          a request; HTTP 422
    │   └── UnknownError        a name, item or version that does not exist; HTTP 404
    ├── AccessError             nobody proved who asks; exit code 2, HTTP 401
    │   └── NotAllowedError     who asks may not do this; HTTP 403
    ├── StateError              the shop is not ready for this verb (no data, no model); exit code 2, HTTP 409
    │   └── PreconditionError   something is not as the caller thinks; HTTP 412
    ├── MissingExtraError       an optional dependency is not installed; exit code 2
    └── ServiceError            a database or another service is down or busy; exit code 3, HTTP 503
        └── DataKeyError        values are sealed and the key that opens them is not at hand; exit code 2

Each has four parts beside its stable `code`: what was found, what was expected, where, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ShelfwiseError(Exception):
    """The root: something went wrong that we can name.

    Args:
        found: What was found, as one clause without a full stop.
        expected: What would have been right.
        where: File and line, or the path of the configuration key.
        hint: What to do next.
        code: Stable identifier for machines; the class's own where omitted.
    """

    code: str = "internal"
    exit_code: int = 1
    http_status: int = 500

    def __init__(
        self,
        found: str,
        *,
        expected: str | None = None,
        where: str | None = None,
        hint: str | None = None,
        code: str | None = None,
    ) -> None:
        self.found = found
        self.expected = expected
        self.where = where
        self.hint = hint
        if code is not None:
            self.code = code
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.where}: {self.found}" if self.where else self.found
        if self.expected:
            head = f"{head}; expected {self.expected}"
        return f"{head}\n  {self.hint}" if self.hint else head

    def __reduce__(self) -> tuple[object, ...]:
        # The parts are keyword arguments, which exceptions forget when they travel between processes.
        return (_rebuilt, (type(self), self.found, self.expected, self.where, self.hint, self.code))

    def as_document(self) -> dict[str, str | None]:
        """The parts as plain JSON, for `--json` and problem documents."""
        return {
            "code": self.code,
            "found": self.found,
            "expected": self.expected,
            "where": self.where,
            "hint": self.hint,
        }


def _rebuilt(
    kind: type[ShelfwiseError],
    found: str,
    expected: str | None,
    where: str | None,
    hint: str | None,
    code: str,
) -> ShelfwiseError:
    return kind(found, expected=expected, where=where, hint=hint, code=code)


class InputError(ShelfwiseError):
    """The caller's input is wrong; the same call will fail again until it changes."""

    code = "bad_input"
    exit_code = 2
    http_status = 400


class ConfigError(InputError):
    """`shop.toml` or a component's options cannot be used; `where` is the path of the key."""

    code = "bad_config"


class DataError(InputError):
    """A file of items, users or events cannot be read on; `where` is the file and line."""

    code = "bad_data"


class QueryError(InputError):
    """A request asks for something that cannot be answered."""

    code = "bad_query"
    http_status = 422


class UnknownError(InputError):
    """A name, item or model version that does not exist here."""

    code = "unknown"
    http_status = 404


class AccessError(ShelfwiseError):
    """Whoever asks did not prove who that is."""

    code = "no_access"
    exit_code = 2
    http_status = 401


class NotAllowedError(AccessError):
    """Whoever asks may not do this."""

    code = "not_allowed"
    http_status = 403


class StateError(ShelfwiseError):
    """The shop is not ready for this verb: nothing ingested yet, no model trained yet."""

    code = "not_ready"
    exit_code = 2
    http_status = 409


class PreconditionError(StateError):
    """Something is in another state than the caller said it must be in."""

    code = "changed"
    http_status = 412


class MissingExtraError(ShelfwiseError):
    """An optional part of the installation is missing."""

    code = "missing_extra"
    exit_code = 2


class ServiceError(ShelfwiseError):
    """A database or another service is down or busy; the same call may succeed later."""

    code = "service_down"
    exit_code = 3
    http_status = 503


class DataKeyError(ServiceError):
    """Values of the store are sealed under a key that is not at hand; they are there, and opened when it is."""

    code = "data_key_missing"
    exit_code = 2


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to a misspelt one, or None where nothing is close.

    Examples:
        >>> near("mrm", ["calibrated", "dpp", "mmr"])
        'mmr'
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The hint line for a misspelt name, or None where nothing is close."""
    match = near(name, known)
    return f"did you mean {match!r}?" if match else None
