"""A Redis of a test's own, which may be stopped."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis

from shelfwise.testing.servers import free_port


@dataclass
class OwnRedis:
    """A server on a port of its own, which keeps nothing on disk."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """To look what is in it."""
        return redis.Redis(port=self.port)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--save", "", "--dir", str(self.folder)], stdout=subprocess.DEVNULL
        )
        ends_at = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
            except redis.ConnectionError:
                assert time.monotonic() < ends_at
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop it, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def own_redis() -> Generator[OwnRedis]:
    """A running one; skips where Redis is not installed, unless services are required."""
    if shutil.which("redis-server") is None:
        reason = "`redis-server` is not installed, see `make services`"
        (pytest.fail if os.environ.get("SHELFWISE_REQUIRE_SERVICES") else pytest.skip)(reason)
    with tempfile.TemporaryDirectory(prefix="shelfwise-redis-") as folder:
        found = OwnRedis(Path(folder), free_port())
        found.start()
        try:
            yield found
        finally:
            found.stop()
