"""The server's certificate, tried out before anything listens."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from shelfwise.config.shop import ServeSpec
from shelfwise.errors import ConfigError

VARIABLE = "SHELFWISE_TLS_PASSWORD"


def tls_context(spec: ServeSpec, folder: Path) -> ssl.SSLContext | None:
    """With what the server speaks HTTPS, TLS 1.2 or newer; None where the shop has no certificate.

    Args:
        spec: The shop's.
        folder: The shop's: where its relative paths begin.

    Raises:
        ConfigError: a file is missing or is no PEM, the key belongs to another certificate, or its password is wrong.
    """
    if spec.tls_certificate is None or spec.tls_key is None:
        return None
    certificate = _file(folder, spec.tls_certificate, "serve.tls_certificate")
    key = _file(folder, spec.tls_key, "serve.tls_key")
    password = os.environ.get(VARIABLE) or None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password OpenSSL would ask the terminal for one.
        context.load_cert_chain(certificate, key, password or (lambda: b""))
    except (ssl.SSLError, ValueError) as cause:
        raise ConfigError(
            f"{certificate.name} and {key.name} cannot be used ({_reason(cause)})",
            expected="a certificate and its own private key, both PEM",
            where="serve.tls_key",
            hint=f"a locked key is opened by {VARIABLE} in the environment",
            code="bad_certificate",
        ) from cause
    if spec.tls_clients is not None:
        authorities = _file(folder, spec.tls_clients, "serve.tls_clients")
        try:
            context.load_verify_locations(authorities)
        except ssl.SSLError as cause:
            raise ConfigError(
                f"{authorities.name} holds no authority ({_reason(cause)})",
                expected="certificates as PEM",
                where="serve.tls_clients",
                code="bad_certificate",
            ) from cause
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _file(folder: Path, name: str, where: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise ConfigError(f"there is no file {path}", where=where, hint="paths begin in the folder of shop.toml")
    return path


def _reason(cause: Exception) -> str:
    return str(getattr(cause, "reason", None) or cause).replace("_", " ").lower()
