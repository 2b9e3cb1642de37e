"""HTTPS: a server with a certificate, clients with and without one, and certificates that cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from shelfwise.config.shop import ServeSpec
from shelfwise.errors import ConfigError
from shelfwise.serve.tls import VARIABLE, tls_context

pytestmark = [
    pytest.mark.online,
    pytest.mark.skipif(
        shutil.which("openssl") is None and not os.environ.get("SHELFWISE_REQUIRE_SERVICES"),
        reason="certificates are made by `openssl`",
    ),
]


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_certificate(folder: Path, name: str, *, password: str | None = None) -> None:
    """`name.pem` and `name.key`, good for 127.0.0.1, signed by the authority `ca.pem`."""
    locked = ("-passout", f"pass:{password}") if password else ("-nodes",)
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-subj", f"/CN={name}", *locked),
        *("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"),
        *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"),
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority = ("-subj", "/CN=authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-nodes", *authority)
    make_certificate(folder, "server")
    make_certificate(folder, "client")
    make_certificate(folder, "locked", password="correct-horse")
    (folder / "no.pem").write_text("this is no certificate")
    return folder


def configure(shop: Path, certificates: Path, **names: str) -> None:
    """Copy certificates into a shop, and name them in its `shop.toml`."""
    for name in names.values():
        shutil.copy(certificates / name, shop / name)
    with (shop / "shop.toml").open("a") as file:
        file.write("[serve]\n" + "".join(f'{key} = "{name}"\n' for key, name in names.items()))


def test_it_speaks_https_and_lets_in_who_has_a_certificate(tiny_shop: Path, certificates: Path, serve: Any) -> None:
    names = {"tls_certificate": "server.pem", "tls_key": "server.key", "tls_clients": "ca.pem"}
    configure(tiny_shop, certificates, **names)
    known = ssl.create_default_context(cafile=certificates / "ca.pem")
    stranger = ssl.create_default_context(cafile=certificates / "ca.pem")
    known.load_cert_chain(certificates / "client.pem", certificates / "client.key")
    with serve(tiny_shop, tls=known) as server:
        answer = server.http.post("/recommend", json={"user_id": "user-1", "k": 3})
        assert len(answer.json()["items"]) == 3
        for context in (stranger, True):
            with pytest.raises(httpx.TransportError):
                httpx.get(f"https://127.0.0.1:{server.port}/v1/health/live", verify=context)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{server.port}/v1/health/live")


def test_lines_of_the_log_are_json_and_tell_nothing_of_whom(tiny_shop: Path, serve: Any) -> None:
    with (tiny_shop / "shop.toml").open("a") as file:
        file.write('[serve]\nlog_lines = "json"\nlog_requests = true\n')
    with serve(tiny_shop) as server:
        server.http.post("/recommend", json={"user_id": "somebody-private", "k": 3}).raise_for_status()
        server.http.get("/users/somebody-private/export")
        server.http.get("/nowhere/somebody-private")
        event = {"user_id": "somebody-private", "item_id": "mug-red", "event": "view"}
        server.http.post("/events", json=event).raise_for_status()
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert "somebody-private" not in server.log()
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    requests = {
        (line["method"], line["route"], line["status"]) for line in lines if line["logger"] == "shelfwise.requests"
    }
    assert {("POST", "/v1/recommend", 200), ("POST", "/v1/events", 202)} <= requests
    assert ("GET", "/v1/users/{user_id}/export", 404) in requests
    assert ("GET", "other", 404) in requests


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ({"tls_certificate": "server.pem", "tls_key": "client.key"}, "bad_certificate"),
        ({"tls_certificate": "no.pem", "tls_key": "server.key"}, "bad_certificate"),
        ({"tls_certificate": "locked.pem", "tls_key": "locked.key"}, "bad_certificate"),
        ({"tls_certificate": "server.pem", "tls_key": "server.key", "tls_clients": "no.pem"}, "bad_certificate"),
        ({"tls_certificate": "server.pem", "tls_key": "nowhere.key"}, "bad_config"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_listens(
    names: dict[str, str], code: str, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigError) as told:
        tls_context(ServeSpec.model_validate(names), certificates)
    assert told.value.code == code
    assert str(told.value.where).startswith("serve.tls_")


def test_a_password_opens_a_locked_key(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "correct-horse")
    spec = ServeSpec.model_validate({"tls_certificate": "locked.pem", "tls_key": "locked.key"})
    context = tls_context(spec, certificates)
    assert context is not None and context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert tls_context(ServeSpec(), certificates) is None


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(ValueError, match="come together"):
        ServeSpec.model_validate({"tls_certificate": "server.pem"})
