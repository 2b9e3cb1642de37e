"""What one of the server's processes does: make the app, listen, answer until it is told to stop."""

from __future__ import annotations

import asyncio
import importlib
import logging
import logging.config
import multiprocessing
import os
import signal
import socket
import threading
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from uvicorn import Config, Server

from shelfwise.config.load import load
from shelfwise.serve.connection import KEEP_ALIVE_S, Connection
from shelfwise.serve.supervisor import STOP_TIMEOUT_S
from shelfwise.serve.tls import tls_context

BACKLOG = 2_048
"""Connections that may wait to be accepted."""


def work(app: str, folder: Path, address: str, port: int, logs: dict[str, Any]) -> None:
    """Serve an app until SIGTERM; requests that are being answered then are answered.

    Args:
        app: As `package.module:function`, which makes it of a shop's folder.
        folder: The shop's.
        address: To listen on, as numbers.
        port: To listen on; shared with the other workers, among whom the kernel parts the connections.
        logs: For `logging.config`.
    """
    logging.config.dictConfig(logs)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the supervisor tells us in its own way
    threading.Thread(target=_follow_supervisor, daemon=True).start()
    module, _, function = app.partition(":")
    context = tls_context(load(folder).serve, folder)
    config = Config(
        partial(getattr(importlib.import_module(module), function), folder),
        factory=True,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        # Whoever asks says nothing of who asks: no address is believed from a header.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(KEEP_ALIVE_S),
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
        ssl_context_factory=None if context is None else lambda *_: context,
    )
    config.load()  # before it listens: who cannot answer is not to be asked
    with _listening(address, port) as listener:
        PatientServer(config).run([listener])


class PatientServer(Server):
    """A server that ends in good order, however often it is told to."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop accepting; go on answering."""
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; once a second, hang up on clients that had their time."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.look(now)
        return await super().on_tick(counter)


def _listening(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address, port))
    listener.listen(BACKLOG)
    return listener


def _follow_supervisor() -> None:
    """Stop when the supervisor is gone, killed for instance: nobody else would ever free the port."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)
