"""Run the server. This process only supervises: the workers that it starts load everything."""

from __future__ import annotations

import errno
import logging
import logging.config
import socket
from functools import partial
from pathlib import Path
from typing import Any

from shelfwise.config.load import load
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError, ServiceError
from shelfwise.serve.keys import key_from_environment, require_key_for
from shelfwise.serve.log_lines import log_configuration
from shelfwise.serve.measure_files import measure_files
from shelfwise.serve.supervisor import fresh_workers, supervise
from shelfwise.serve.tls import tls_context

API = "shelfwise.serve.app:create_app"
"""The API alone, without web pages."""

log = logging.getLogger("shelfwise.serve")


def serve(
    shop_folder: Path,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    *,
    log_level: str = "INFO",
    app: str = API,
) -> None:
    """Serve the shop in a folder until the process is told to stop (SIGINT, SIGTERM).

    Args:
        shop_folder: With `shop.toml`.
        host: Address to listen on; that of `[serve]` where omitted. Other than loopback asks for an API key.
        port: Port to listen on; that of `[serve]` where omitted.
        workers: Processes that answer; those of `[serve]` where omitted. Each follows the store by itself; one of
            several that dies is replaced.
        log_level: Of what goes to standard error.
        app: What is served, as `package.module:function`, which makes it of a shop's folder.

    Raises:
        ConfigError: no shop in the folder, an address that is none, a certificate that cannot be used, or other
            machines let in without a key.
        ServiceError: the port is taken, or the worker died.
    """
    folder = shop_folder.resolve()
    config = load(folder)
    host, port = host or config.serve.host, port or config.serve.port
    n_workers = config.serve.workers if workers is None else workers
    require_key_for(host, key_from_environment(), partial(_has_stored_key, folder, config))
    address = _free_address(host, port)
    logs = log_configuration(log_level, config.serve.log_lines)
    is_secret = tls_context(config.serve, folder) is not None
    logging.config.dictConfig(logs)
    log.info(
        "%s://%s:%d/v1 serves %s",
        "https" if is_secret else "http",
        f"[{host}]" if ":" in host else host,
        port,
        folder.name,
    )
    with measure_files(), fresh_workers():
        supervise(partial(_work, app, folder, address, port, logs), n_workers)


def _work(app: str, folder: Path, address: str, port: int, logs: dict[str, Any]) -> None:
    """In the worker, which loads what its supervisor does without."""
    from shelfwise.serve.worker import work

    work(app, folder, address, port, logs)


def _has_stored_key(folder: Path, config: ShopConfig) -> bool:
    from shelfwise.store import api_keys
    from shelfwise.store.records import Records

    records = Records.open(config.store.records, folder)
    try:
        with records.read() as connection:
            return api_keys.newest_change(connection) > 0
    finally:
        records.close()


def _free_address(host: str, port: int) -> str:
    """The address behind a host's name, where nobody listens yet.

    Workers share their port: without this, a second server would silently take half of the requests.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as cause:
        raise ConfigError(f"{host!r} is no address of this machine", where="serve.host") from cause
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as cause:
            if cause.errno == errno.EADDRINUSE:
                raise ServiceError(
                    f"port {port} of {host} is taken by another process",
                    where="serve.port",
                    hint="stop that process, or choose another port",
                    code="port_taken",
                ) from cause
            if cause.errno == errno.EACCES:
                raise ServiceError(
                    f"port {port} may not be opened by this user",
                    where="serve.port",
                    hint="choose a port above 1023",
                    code="port_forbidden",
                ) from cause
            raise ConfigError(f"{host!r} is no address of this machine", where="serve.host") from cause
    return str(address[0])
