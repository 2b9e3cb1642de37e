"""Vectors over HTTP, from a real server that is busy, failing, slow or wrong at times."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.openai_endpoint import ABOUT_FILE, OpenAIEndpoint, retry_after_s
from shelfwise.errors import ConfigError, MissingExtraError, ServiceError
from shelfwise.testing.encoders import TEXTS, TextEncoderContract

pytestmark = pytest.mark.online

KEY = "sk-very-secret-0123456789"
KEY_NAME = "EMBEDDINGS_KEY_OF_THE_TEST"
DIM = 16


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server listens; it wants the key."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = tmp_path_factory.mktemp("endpoint") / "log"
    words = ["--host", "127.0.0.1", "--port", str(port), "embedding_server:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *words],
            cwd=Path(__file__).parent,
            env={**os.environ, "EMBEDDING_SERVER_KEY": KEY},
            stdout=output,
            stderr=output,
        )
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/sent")
                break
            except httpx.TransportError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)


def endpoint(address: str, model: str, **options: Any) -> OpenAIEndpoint:
    """An encoder that does not wait long."""
    defaults: dict[str, Any] = {"api_key_env": KEY_NAME, "max_wait_s": 0.05, "batch_size": 3}
    return OpenAIEndpoint(
        OpenAIEndpoint.Config.model_validate({**defaults, "base_url": address, "model": model, **options})
    )


def ready(encoder: OpenAIEndpoint, folder: Path) -> OpenAIEndpoint:
    encoder.prepare(folder)
    encoder.load(folder)
    return encoder


class TestContract(TextEncoderContract):
    @pytest.fixture(autouse=True)
    def _place(self, address: str, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.address, self.folder = address, tmp_path_factory.mktemp("ready")
        self.make().prepare(self.folder)

    def make(self) -> TextEncoder:
        return endpoint(self.address, "shuffled")

    def ready_folder(self) -> Path:
        return self.folder


def sent(address: str, model: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{address.removesuffix('/v1')}/sent").json()
    return [request for request in found if request["model"] == model]


def test_batches_prompts_and_the_cut(address: str, tmp_path: Path) -> None:
    encoder = ready(
        endpoint(address, "plain", prompt="passage: ", query_prompt="query: ", max_chars=20, dimensions=8), tmp_path
    )
    assert encoder.dim == 8
    assert json.loads((tmp_path / ABOUT_FILE).read_text())["dim"] == 8
    encoder.encode(["a", "b", "c", "d", "x" * 100])
    encoder.encode_queries(["a"])
    probe, first, second, query = sent(address, "plain")
    assert [request["n"] for request in (probe, first, second, query)] == [1, 3, 2, 1]
    assert first["input"] == ["passage: a", "passage: b", "passage: c"]
    assert second["input"][1] == "passage: " + "x" * 11
    assert query["input"] == ["query: a"]
    assert {request["dimensions"] for request in (probe, first, second, query)} == {8}


def test_an_own_length_is_found_out(address: str, tmp_path: Path) -> None:
    encoder = endpoint(address, "own-length")
    assert not encoder.is_ready(tmp_path)
    assert ready(encoder, tmp_path).dim == DIM
    assert encoder.is_ready(tmp_path)


def test_a_busy_server_is_asked_again_when_it_says(address: str, tmp_path: Path) -> None:
    encoder = endpoint(address, "busy-1", max_wait_s=5)
    started = time.perf_counter()
    ready(encoder, tmp_path)
    # Twice it said "in one second"; left to itself the encoder would have come back after 0.5 and 1 seconds.
    assert 2.0 <= time.perf_counter() - started < 5
    assert len(sent(address, "busy-1")) == 3


def test_a_failing_server_is_asked_again(address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        encoder = ready(endpoint(address, "failing-1"), tmp_path)
    assert len(sent(address, "failing-1")) == 4
    assert caplog.text.count("status 503; again in") == 3
    assert KEY not in caplog.text
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(TEXTS), axis=1), 1, atol=1e-5)


def test_a_slow_answer_is_given_up_and_asked_for_again(address: str, tmp_path: Path) -> None:
    ready(endpoint(address, "slow-1", timeout_s=0.5), tmp_path)
    assert len(sent(address, "slow-1")) == 2


def test_a_server_that_stays_down_is_a_service_error_without_the_key(address: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"status 500 after 3 attempts \(no luck with …\)") as caught:
        endpoint(address, "down-1", max_retries=2).prepare(tmp_path)
    assert f"POST {address}/embeddings" in str(caught.value)
    assert KEY not in repr(caught.value) + str(caught.value)
    assert caught.value.exit_code == 3
    assert len(sent(address, "down-1")) == 3
    assert not endpoint(address, "down-1").is_ready(tmp_path)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"POST http://127.0.0.1:9/v1/embeddings: ConnectError after 2 attempts"):
        endpoint("http://127.0.0.1:9/v1", "any", max_retries=1).prepare(tmp_path)


def test_a_refusal_is_not_repeated(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match=r"status 404 \(the model 'unknown' does not exist\)") as caught:
        endpoint(address, "unknown").prepare(tmp_path)
    assert caught.value.code == "refused_by_service"
    assert len(sent(address, "unknown")) == 1
    monkeypatch.setenv(KEY_NAME, "sk-wrong-key")
    with pytest.raises(ServiceError, match=r"status 401 \(Incorrect API key provided: …\)") as caught:
        endpoint(address, "any").prepare(tmp_path)
    assert caught.value.hint == f"check the key in {KEY_NAME}"
    assert "sk-wrong-key" not in str(caught.value)
    with pytest.raises(ServiceError, match="status 401") as caught:
        endpoint(address, "any", api_key_env="").prepare(tmp_path)
    assert "api_key_env" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("changing", "vectors of 17 dimensions; expected 16"),
        ("lossy", "something else than 3 vectors of one length"),
        ("nought", "a vector without direction"),
    ],
)
def test_an_answer_with_other_vectors_is_refused(address: str, tmp_path: Path, model: str, message: str) -> None:
    encoder = endpoint(address, model)
    (tmp_path / ABOUT_FILE).write_text(json.dumps({"dim": DIM}))
    encoder.load(tmp_path)
    if model == "changing":
        encoder.encode(["still the same"])
    with pytest.raises(ServiceError, match=message) as caught:
        encoder.encode(TEXTS)
    assert caught.value.code == "bad_answer"


def test_a_length_that_the_server_does_not_give_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="vectors of 16 dimensions; expected 8"):
        endpoint(address, "stubborn", dimensions=8).prepare(tmp_path)
    with pytest.raises(ServiceError, match="no JSON|something else"):
        endpoint(address, "no-json").prepare(tmp_path)


def test_a_missing_key_is_told_before_anything_is_sent(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_NAME)
    with pytest.raises(ConfigError, match=f"{KEY_NAME} is not set") as caught:
        endpoint(address, "keyless").prepare(tmp_path)
    assert caught.value.where == "encode.text.api_key_env"
    monkeypatch.setenv(KEY_NAME, "two words")
    with pytest.raises(ConfigError, match="cannot be a key") as caught:
        endpoint(address, "keyless").prepare(tmp_path)
    assert "two words" not in str(caught.value)
    assert not sent(address, "keyless")


def test_without_httpx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"shelfwise\[endpoint\]"):
        endpoint("http://127.0.0.1:9", "any").prepare(tmp_path)


@pytest.mark.parametrize(
    "address", ["http://me:secret@host/v1", "https://host/v1?key=secret", "host:8080", "ftp://host"]
)
def test_an_address_with_a_secret_or_without_a_host_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"carries a name, key or parameters|is no address") as caught:
        OpenAIEndpoint.Config(base_url=address)
    assert "secret" not in str(caught.value.errors()[0]["msg"])  # type: ignore[attr-defined]


def test_what_changes_vectors_changes_the_key() -> None:
    def key(**options: Any) -> str:
        return endpoint(**{"address": "http://host/v1", "model": "m", **options}).key()

    assert (
        len({key(), key(prompt="p"), key(dimensions=8), key(max_chars=99), key(model="n"), key(address="http://b")})
        == 6
    )
    assert (
        key()
        == key(batch_size=9, timeout_s=1, max_retries=1, query_prompt="q", api_key_env="")
        == key(address="http://host/v1/")
    )


NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


def test_the_command_says_that_a_service_is_down(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\n1,Red mug\n")
    (tmp_path / "shop.toml").write_text(
        """
version = 1
[ingest.items]
path = "items.csv"
[encode.text]
use = "openai"
base_url = "http://127.0.0.1:9/v1"
max_retries = 0
"""
    )
    shelfwise = Path(sys.executable).with_name("shelfwise")
    subprocess.run([shelfwise, "ingest", "--shop", tmp_path], check=True, capture_output=True)
    ran = subprocess.run([shelfwise, "encode", "--shop", tmp_path], check=False, capture_output=True, text=True)
    assert ran.returncode == 3
    assert "POST http://127.0.0.1:9/v1/embeddings" in " ".join(ran.stderr.split())


def test_a_shop_encodes_by_endpoint_and_encodes_nothing_twice(address: str, tmp_path: Path) -> None:
    from shelfwise.shop import Shop
    from shelfwise.train.data import load

    (tmp_path / "items.csv").write_text("item_id,title\n1,Red mug\n2,Blue mug\n3,Red mug\n4,\n")
    (tmp_path / "shop.toml").write_text(
        f"""
version = 1
[ingest.items]
path = "items.csv"
[encode.text]
use = "openai"
base_url = "{address}"
model = "whole-shop"
api_key_env = "{KEY_NAME}"
"""
    )
    with Shop.open(tmp_path) as shop:
        shop.ingest()
        assert (shop.encode().n_encoded, shop.encode().n_encoded) == (3, 0)
        loaded = load(shop.config, shop.records, tmp_path / "vectors", lambda *_: None)
    assert [request["n"] for request in sent(address, "whole-shop")] == [1, 3]
    vectors = loaded.data.vectors
    assert vectors is not None
    np.testing.assert_array_equal(vectors[0], vectors[2])
    np.testing.assert_array_equal(vectors[3], 0)  # it has no text


def test_a_running_shop_takes_up_items_without_its_endpoint(
    tiny_shop_template: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from dataclasses import replace

    from shelfwise.pipeline.model import load
    from shelfwise.pipeline.recommender import Recommender
    from shelfwise.schemas.items import Item
    from shelfwise.shop import Shop

    (tmp_path / ABOUT_FILE).write_text(json.dumps({"dim": DIM}))
    gone = endpoint("http://127.0.0.1:9/v1", "any", max_retries=0)
    gone.load(tmp_path)
    with Shop.open(tiny_shop_template) as shop:
        recommender = Recommender(replace(load(shop.versions.current()), encoder=gone), shop.records)
        assert recommender.live.encode(Item(item_id="new", title="Red boot")) is None
    assert "1 item(s) taken up without text vectors" in caplog.text
