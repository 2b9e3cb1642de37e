"""Run the server. This process only supervises: the workers that it starts load everything."""

from __future__ import annotations

import errno
import importlib
import logging
import logging.config
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from shelfwise.config.load import load
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError, ServiceError
from shelfwise.serve.keys import key_from_environment, require_key_for
from shelfwise.serve.measure_files import measure_files

STOP_TIMEOUT_S = 10
"""How long requests that are being answered may take once the server is told to stop."""

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
        ConfigError: no shop in the folder, an address that is none, or other machines let in without a key.
        ServiceError: the port is taken, or the worker died.
    """
    folder = shop_folder.resolve()
    config = load(folder)
    host, port = host or config.serve.host, port or config.serve.port
    n_workers = config.serve.workers if workers is None else workers
    require_key_for(host, key_from_environment(), partial(_has_stored_key, folder, config))
    address = _free_address(host, port)
    logs = _logging(log_level)
    logging.config.dictConfig(logs)
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    server = Granian(
        app,
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        workers=n_workers,
        # A lone worker that dies ends the server, so that a supervisor hears of it.
        respawn_failed_workers=n_workers > 1,
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=logs,
        workers_kill_timeout=STOP_TIMEOUT_S,
    )
    log.info("http://%s:%d/v1 serves %s", f"[{host}]" if ":" in host else host, port, folder.name)
    try:
        with measure_files(), _fresh_workers():
            server.serve(target_loader=partial(_load, app, folder, logs), wrap_loader=False)
    except SystemExit as stop:
        if stop.code:
            raise ServiceError(
                "the server's worker stopped unexpectedly",
                hint="its last words are in the log",
                code="worker_died",
            ) from stop


def _has_stored_key(folder: Path, config: ShopConfig) -> bool:
    from shelfwise.store import api_keys
    from shelfwise.store.records import Records

    records = Records.open(config.store.records, folder)
    try:
        with records.read() as connection:
            return api_keys.newest_change(connection) > 0
    finally:
        records.close()


@contextmanager
def _fresh_workers() -> Generator[None]:
    """Workers start as fresh interpreters that do not run the caller's script again.

    A fork would inherit whatever the caller has loaded (torch, say), without the threads that belong to it.
    """
    before, main = multiprocessing.get_start_method(allow_none=True), sys.modules["__main__"]
    multiprocessing.set_start_method("spawn", force=True)
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        multiprocessing.set_start_method(before, force=True)


def _load(app: str, folder: Path, logs: dict[str, Any]) -> Callable[..., Any]:
    """In the worker: make the app."""
    logging.config.dictConfig(logs)
    threading.Thread(target=_follow_supervisor, daemon=True).start()
    module, _, function = app.partition(":")
    return getattr(importlib.import_module(module), function)(folder)


def _follow_supervisor() -> None:
    """Stop when the supervisor is gone, killed for instance: nobody else would ever free the port."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _free_address(host: str, port: int) -> str:
    """The address behind a host's name, where nobody listens yet.

    granian shares ports between processes: without this, a second server would silently take half of the
    requests.
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


def _logging(level: str) -> dict[str, Any]:
    """Everything on standard error; of granian only what is wrong."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
        "loggers": {
            "shelfwise": {"handlers": ["stderr"], "level": level, "propagate": False},
            "_granian": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "granian.access": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }
