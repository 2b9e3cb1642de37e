"""A pinned model of the hub, from a server that speaks as much of the hub's protocol as it takes."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.online

NAME, COMMIT = "someone/some-model", "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}",
    "modules.json": b"[]",
    "1_Pooling/config.json": b'{"pooling_mode": "cls"}',
    "model.safetensors": b"weights",
    "modeling_own.py": b"raise SystemExit('code of a stranger')",
    "onnx/model.onnx": b"a graph",
}

FETCH = """
import sys
from shelfwise.encode.weights import locate
from shelfwise.train.pooled_encoder import fetch
folder = fetch(locate(sys.argv[1]))
for path in sorted(folder.rglob("*")):
    if path.is_file():
        print(path.relative_to(folder).as_posix(), path.read_text())
"""


class Hub(http.server.BaseHTTPRequestHandler):
    """The listing of one model at one commit, and its files."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        files = f"/{NAME}/resolve/{COMMIT}/"
        if path == f"/api/models/{NAME}/revision/{COMMIT}":
            names = [{"rfilename": name} for name in FILES]
            return self._answer(json.dumps({"id": NAME, "sha": COMMIT, "siblings": names}).encode())
        if path == f"/api/models/{NAME}/tree/{COMMIT}":
            tree = [{"type": "file", "path": name, "size": len(found), "oid": "0"} for name, found in FILES.items()]
            return self._answer(json.dumps(tree).encode())
        if path.startswith(files) and path.removeprefix(files) in FILES:
            return self._answer(FILES[path.removeprefix(files)])
        return self._answer(b'{"error": "there is nothing"}', 404)

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fetch(model: str, hub: str, home: Path) -> subprocess.CompletedProcess[str]:
    # The address of the hub is read when its library is imported: a process of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": hub, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(
        [sys.executable, "-c", FETCH, model], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_pinned_model_is_fetched_without_its_code(hub: str, tmp_path: Path) -> None:
    ran = fetch(f"{NAME}@{COMMIT}", hub, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        '1_Pooling/config.json {"pooling_mode": "cls"}',
        "config.json {}",
        "model.safetensors weights",
        "modules.json []",
    ]


def test_what_the_hub_does_not_have_is_said(hub: str, tmp_path: Path) -> None:
    ran = fetch(f"someone/else@{COMMIT}", hub, tmp_path)
    assert ran.returncode == 1
    assert f"someone/else at {COMMIT} cannot be fetched from the hub" in ran.stderr
