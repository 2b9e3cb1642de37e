"""A PostgreSQL of a test's own, which may be stopped."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

PASSWORD = "hush:p/w@d#1"  # noqa: S105 - of a database that lives for some seconds
"""Of its user `shop`."""


@dataclass(frozen=True)
class OwnPostgreSQL:
    """A cluster in a folder of its own, which wants a password over TCP."""

    folder: Path
    port: int
    as_user: str | None

    def run(self, program: str, *arguments: object) -> None:
        """Run one of its programs as the user that owns it."""
        done = subprocess.run(
            [found_program(program), *map(str, arguments)],
            user=self.as_user,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        data, log = self.folder / "data", self.folder / "log"
        self.run("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: at once, as a crash does, or as `mode` says."""
        self.run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def url(self, user: str = "shop", password: str | None = "${TEST_PASSWORD}", database: str = "postgres") -> str:
        """Its address, with a schema that nobody has yet."""
        login = user if password is None else f"{user}:{password}"
        return f"postgresql+psycopg://{login}@127.0.0.1:{self.port}/{database}?schema=s_{secrets.token_hex(4)}"

    def admin(self, *statements: str) -> None:
        """Run statements as its owner."""
        address = make_url(self.url(password="x")).set(password=PASSWORD).difference_update_query(["schema"])
        engine: Engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()


def found_program(name: str) -> str:
    """Debian keeps them out of the way."""
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    if found is None:
        pytest.skip(f"{name} of PostgreSQL is not installed here")
    return found


@contextmanager
def own_postgresql() -> Generator[OwnPostgreSQL]:
    """A PostgreSQL of one's own, running; gone at the end."""
    as_user = None
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        as_user = "postgres"
        found_program("initdb")
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-postgresql-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    made = OwnPostgreSQL(folder, port, as_user)
    (folder / "password").write_text(PASSWORD)
    if as_user is not None:
        for path in (folder, folder / "password"):
            shutil.chown(path, as_user)
    try:
        made.run(
            "initdb", "-D", folder / "data", "-U", "shop", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale",
            "--no-sync", f"--pwfile={folder / 'password'}",
        )  # fmt: skip
        made.start()
        yield made
        made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
