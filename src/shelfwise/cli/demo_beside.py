"""A second shop in a process of its own, served beside the one that is being made."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from shelfwise.errors import ServiceError

PATIENCE_S = 60.0
STOP_S = 15.0
LOOK_EVERY_S = 0.1


@contextmanager
def served_beside(folder: Path, port: int) -> Generator[None]:
    """Serve a shop from another process while this one does something else.

    Raises:
        ServiceError: it does not answer, because the port is taken for instance; its own words are on standard error.
    """
    if _listens(port):
        raise ServiceError(
            f"port {port} is taken by another process",
            where="--port",
            hint="stop that process, or choose another port",
            code="port_taken",
        )
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, port), name="second shop")
    process.start()
    try:
        until = time.monotonic() + PATIENCE_S
        while not _is_open(port):
            if not process.is_alive() or time.monotonic() > until:
                raise ServiceError(
                    "the second shop's server does not answer",
                    where=f"port {port}",
                    hint="its last words stand above; choose another --port",
                    code="no_second_shop",
                )
            time.sleep(LOOK_EVERY_S)
        yield
    finally:
        process.terminate()
        process.join(STOP_S)
        if process.is_alive():
            process.kill()


def _serve(folder: Path, port: int) -> None:
    threading.Thread(target=_follow_parent, daemon=True).start()
    from shelfwise.shop import Shop

    with Shop.open(folder) as shop:
        shop.serve(port=port)


def _follow_parent() -> None:
    """Stop when the parent is gone, killed for instance: nobody else would ever free the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _is_open(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/shop")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):  # not yet, or still loading
        return False
    finally:
        connection.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
