"""Real servers for tests: a process as the command line starts it, on a port of its own."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from shelfwise.serve.run import API

PATIENCE_S = 60
"""How long a server may take to be ready on a machine that does other things too."""


@dataclass
class Server:
    """A server process and a client of it."""

    process: subprocess.Popen[bytes]
    http: httpx.Client
    port: int
    started: float
    errors: Path
    ready_after_s: float = field(default=float("nan"))

    def log(self) -> str:
        """What it wrote to standard error so far."""
        return self.errors.read_text(encoding="utf-8")


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


START = """
import json
import os
import sys
from pathlib import Path
from shelfwise.errors import ShelfwiseError
from shelfwise.serve.run import serve

os.environ.update(json.loads(sys.argv[6]))
try:
    serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), app=sys.argv[5])
except ShelfwiseError as error:
    print(error, file=sys.stderr)
    raise SystemExit(error.exit_code)
"""


def start_process(
    shop: Path,
    port: int,
    errors: Path,
    *,
    host: str = "127.0.0.1",
    key: str | None = None,
    workers: int = 1,
    app: str = API,
    of_workers: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server, as the command line does; what is `of_workers` stands in the environment of these alone."""
    script = errors.with_suffix(".py")
    script.write_text(START)
    environment = {name: value for name, value in os.environ.items() if name != "SHELFWISE_API_KEY"}
    if key is not None:
        environment["SHELFWISE_API_KEY"] = key
    with errors.open("wb") as log:
        return subprocess.Popen(
            [
                sys.executable,
                str(script),
                str(shop),
                host,
                str(port),
                str(workers),
                app,
                json.dumps(dict(of_workers or {})),
            ],
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=environment,
        )


def _has_opened(server: Server, workers: int) -> bool:
    """Whether every worker has: the one that happens to answer knows of itself only."""
    return workers == 1 or server.log().count("ready after") >= workers


@contextmanager
def serving(
    shop: Path,
    *,
    host: str = "127.0.0.1",
    key: str | None = None,
    ready: int = 200,
    killed: bool = False,
    workers: int = 1,
    app: str = API,
    tls: ssl.SSLContext | None = None,
    of_workers: Mapping[str, str] | None = None,
) -> Generator[Server]:
    """A real server on a free port, ready to answer; stopped at the end, and its log looked through.

    Args:
        shop: The folder.
        host: Address to listen on.
        key: API key, in the environment and sent with every request.
        ready: What `/v1/health/ready` should answer at last.
        killed: Whether the test kills it.
        workers: Processes that answer.
        app: What is served: the API alone, unless something else is named.
        tls: With which to speak HTTPS to it.
        of_workers: What only the workers find in their environment.
    """
    port = free_port()
    errors = shop.parent / f"server-{port}.log"
    started = time.perf_counter()
    process = start_process(shop, port, errors, host=host, key=key, workers=workers, app=app, of_workers=of_workers)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    base = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/v1"
    with httpx.Client(base_url=base, headers=headers, timeout=20, verify=tls or True) as http:
        server = Server(process, http, port, started, errors)
        try:
            while True:
                try:
                    answer = http.get("/health/ready")
                    is_loading = answer.json().get("code") == "loading"
                    if answer.status_code == ready and not is_loading and _has_opened(server, workers):
                        break
                except httpx.TransportError:
                    pass
                assert process.poll() is None and time.perf_counter() - started < PATIENCE_S, server.log()
                time.sleep(0.01)
            server.ready_after_s = time.perf_counter() - started
            yield server
        finally:
            process.terminate()
            returned = process.wait(20)
    assert killed or returned == 0, server.log()
    assert "Traceback" not in server.log()
