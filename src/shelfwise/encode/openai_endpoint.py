"""Vectors from a server that speaks OpenAI's protocol: a vendor's, or one's own vLLM, llama.cpp or Ollama."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from pydantic import Field, field_validator

from shelfwise.config.component import Options
from shelfwise.encode.encoder import TextEncoder
from shelfwise.errors import ConfigError, MissingExtraError, ServiceError
from shelfwise.schemas.ids import Floats

if TYPE_CHECKING:
    import httpx

ABOUT_FILE = "encoder.json"
KEY_VERSION = 1
"""Part of the key: a change in what is sent encodes everything anew."""

PROBE = "Red mug"
BLANK = " "
"""Sent instead of nothing: servers refuse an empty text."""

FIRST_WAIT_S = 0.5
WORDS_OF_REFUSAL = 300
"""Letters of a server's own message that are passed on."""

log = logging.getLogger("shelfwise.encode")


class OpenAIEndpoint(TextEncoder):
    """Vectors over HTTP from an OpenAI-compatible server.

    A batch that meets a busy or failing server is sent again, later and later.

    What the server does with a text, it may do differently tomorrow under the same model name; nobody can see that
    from here. Name a model with its version where the vendor offers one.

    Cost:
        That of the server; batches go one after the other.
    """

    is_local = False

    class Config(Options):
        """Options of `[encode.text]`."""

        base_url: str = Field(
            default="https://api.openai.com/v1", description="Where the API begins; '/embeddings' is appended."
        )
        model: str = Field(default="text-embedding-3-small", description="The model's name, as the server knows it.")
        dimensions: int = Field(
            default=0, ge=0, le=65_536, description="Length of vectors to ask for; 0: the model's own."
        )
        prompt: str = Field(default="", description="Put before every item's text.")
        query_prompt: str = Field(default="", description="Put before every search text.")
        max_chars: int = Field(
            default=8_000, ge=16, le=1_000_000, description="Longer texts are cut at so many characters."
        )
        batch_size: int = Field(default=64, ge=1, le=2_048, description="Texts in one request.")
        api_key_env: str = Field(
            default="", description="Name of the environment variable that holds the key; empty: none is sent."
        )
        timeout_s: float = Field(
            default=30.0,
            gt=0,
            le=600,
            description="How long to wait for a connection, and for the next part of an answer.",
        )
        max_retries: int = Field(
            default=5, ge=0, le=20, description="How often a request is sent again after 429, 5xx or no answer."
        )
        max_wait_s: float = Field(
            default=60.0, gt=0, le=3_600, description="The longest pause before a request is sent again."
        )

        @field_validator("base_url")
        @classmethod
        def _no_secrets(cls, value: str) -> str:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{value!r} is no address; expected http:// or https:// and a host")
            if parts.username or parts.password or parts.query:
                raise ValueError("the address carries a name, key or parameters; put the key into the environment")
            return value.rstrip("/")

    def __init__(self, config: Config) -> None:
        self.config = config
        self._dim = 0
        self._client: httpx.Client | None = None

    def key(self) -> str:
        """Names the folder; where the server stands counts, since nothing else tells two of them apart."""
        config = self.config
        stated = [KEY_VERSION, config.base_url, config.model, config.dimensions, config.prompt, config.max_chars]
        return f"endpoint-{hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:16]}"

    def runtime_files(self) -> tuple[str, ...]:
        """What is known of the vectors."""
        return (ABOUT_FILE,)

    def is_ready(self, folder: Path) -> bool:
        """Whether the server was asked once for the length of its vectors."""
        return (folder / ABOUT_FILE).is_file()

    def prepare(self, folder: Path) -> None:
        """Ask for one vector, and note its length.

        Raises:
            ServiceError: the server does not answer, or not with a vector.
            ConfigError: the environment lacks the key.
        """
        dim = self._asked([PROBE]).shape[1]
        folder.mkdir(parents=True, exist_ok=True)
        about = {"base_url": self.config.base_url, "model": self.config.model, "dim": dim}
        scratch = folder / f"{ABOUT_FILE}.unfinished"
        scratch.write_text(json.dumps(about, indent=2), encoding="utf-8")
        scratch.replace(folder / ABOUT_FILE)

    def load(self, folder: Path) -> None:
        """Read the length of vectors; the server is not asked."""
        self._dim = int(json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))["dim"])

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    def encode(self, texts: Sequence[str]) -> Floats:
        """Encode batch by batch.

        Raises:
            ServiceError: the server does not answer, refuses, or answers with something else than these vectors.
            ConfigError: the environment lacks the key.
            MissingExtraError: httpx is not installed.
        """
        return self._encoded(texts, self.config.prompt)

    def encode_queries(self, texts: Sequence[str]) -> Floats:
        """The same with the prompt for searches."""
        return self._encoded(texts, self.config.query_prompt)

    def _encoded(self, texts: Sequence[str], prompt: str) -> Floats:
        if not self._dim:
            raise RuntimeError("load() comes before encode()")
        vectors = np.empty((len(texts), self._dim), np.float32)
        for start in range(0, len(texts), self.config.batch_size):
            batch = [prompt + text for text in texts[start : start + self.config.batch_size]]
            vectors[start : start + len(batch)] = self._asked(batch)
        return vectors

    def _asked(self, texts: Sequence[str]) -> Floats:
        sent: dict[str, Any] = {
            "model": self.config.model,
            "input": [text[: self.config.max_chars] if text.strip() else BLANK for text in texts],
            "encoding_format": "float",
        }
        if self.config.dimensions:
            sent["dimensions"] = self.config.dimensions
        return self._vectors(self._answer(sent), len(texts))

    def _answer(self, sent: dict[str, Any]) -> Any:
        """The server's JSON, after as many attempts as it takes and is allowed."""
        client, headers = self._open(), self._headers()
        import httpx

        for attempt in range(self.config.max_retries + 1):
            try:
                response = client.post(self._url, json=sent, headers=headers)
            except httpx.RequestError as cause:
                found, answered, failure = type(cause).__name__, None, cause
            else:
                if response.is_success:
                    return self._document(response)
                found, answered, failure = f"status {response.status_code}", response, None
                if response.status_code != 429 and response.status_code < 500:
                    raise self._refusal(response)
            if attempt == self.config.max_retries:
                words = "" if answered is None else self._words(answered)
                raise ServiceError(
                    f"POST {self._url}: {found} after {attempt + 1} attempts{words}",
                    where="encode.text",
                    hint="try again later: what was encoded is kept",
                ) from failure
            wait_s = self._wait_s(attempt, answered)
            log.warning("POST %s: %s; again in %.1f s", self._url, found, wait_s)
            time.sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")

    def _open(self) -> httpx.Client:
        if self._client is None:
            try:
                import httpx
            except ImportError as cause:
                raise MissingExtraError(
                    "httpx is not installed", where="encode.text", hint="pip install 'shelfwise[endpoint]'"
                ) from cause
            self._client = httpx.Client(timeout=self.config.timeout_s)
        return self._client

    @property
    def _url(self) -> str:
        return f"{self.config.base_url}/embeddings"

    def _headers(self) -> dict[str, str]:
        key = self._api_key()
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _api_key(self) -> str:
        name = self.config.api_key_env
        if not name:
            return ""
        key = os.environ.get(name, "").strip()
        if not key:
            raise ConfigError(
                f"the environment variable {name} is not set",
                where="encode.text.api_key_env",
                hint=f"export {name}=…",
                code="no_key",
            )
        if not (key.isascii() and key.isprintable()) or " " in key:  # http libraries would quote it in their complaint
            raise ConfigError(
                f"what the environment variable {name} holds cannot be a key",
                expected="printable ASCII without blanks",
                where="encode.text.api_key_env",
                code="no_key",
            )
        return key

    def _refusal(self, response: httpx.Response) -> ServiceError:
        hint = "check base_url and model"
        if response.status_code in (401, 403):
            name = self.config.api_key_env
            hint = f"check the key in {name}" if name else "name the variable that holds the key in api_key_env"
        return ServiceError(
            f"POST {self._url}: status {response.status_code}{self._words(response)}",
            where="encode.text",
            hint=hint,
            code="refused_by_service",
        )

    def _words(self, response: httpx.Response) -> str:
        """What the server said, cut short; without the key, should it have repeated it."""
        try:
            error = response.json()["error"]
            said = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError):
            said = response.text
        key = self._api_key()
        said = " ".join((said.replace(key, "…") if key else said).split())
        return f" ({said[:WORDS_OF_REFUSAL]})" if said else ""

    def _wait_s(self, attempt: int, response: httpx.Response | None) -> float:
        asked = None if response is None else retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
        # Clients that failed together must not come back together.
        own = FIRST_WAIT_S * 2.0**attempt * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        return min(max(asked or 0.0, own), self.config.max_wait_s)

    def _document(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as cause:
            raise self._nonsense("an answer that is no JSON") from cause

    def _vectors(self, document: Any, n: int) -> Floats:
        """Vectors of length 1 in the order of texts; shape `(n, dim)`."""
        try:
            entries = {int(entry["index"]): entry["embedding"] for entry in document["data"]}
            vectors = np.array([entries[place] for place in range(n)], np.float32)
        except (KeyError, TypeError, ValueError) as cause:
            raise self._nonsense(f"something else than {n} vectors of one length") from cause
        if len(entries) != n or vectors.ndim != 2 or not vectors.shape[1]:
            raise self._nonsense(f"something else than {n} vectors of one length")
        wanted = self._dim or self.config.dimensions
        if wanted and vectors.shape[1] != wanted:
            raise self._nonsense(f"vectors of {vectors.shape[1]} dimensions", expected=f"{wanted}")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise self._nonsense("a vector without direction")
        return vectors / lengths

    def _nonsense(self, what: str, expected: str | None = None) -> ServiceError:
        return ServiceError(
            f"POST {self._url}: {what}",
            expected=expected,
            where="encode.text",
            hint=f"is {self.config.model!r} an embedding model, and still the same?",
            code="bad_answer",
        )


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for: a number, or a date; None where it says nothing sensible.

    Examples:
        >>> retry_after_s("3", datetime.now(UTC))
        3.0
    """
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
