"""A tiny shop with a trained model, made from nothing, and real servers that serve copies of it."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest

from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.store.event_log import EventRow

KINDS_OF_THING = {
    "mug": ("Kitchen > Mugs", "ceramic cup for coffee and tea"),
    "lamp": ("Home > Lamps", "warm light for desk and bedside"),
    "boot": ("Shoes > Boots", "waterproof leather for hiking trails"),
    "pen": ("Office > Pens", "smooth ink for notes and letters"),
    "scarf": ("Clothes > Scarves", "soft wool against winter wind"),
    "kite": ("Toys > Kites", "flies high over beach and meadow"),
}
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "grey", "brown", "pink", "violet")
N_USERS = 40
EVENTS_PER_USER = 10
DAY_MS = 86_400_000


def shop_items() -> list[Item]:
    """Sixty items: ten colours of six kinds of thing; `mug-red` is the first."""
    return [
        Item(
            item_id=f"{thing}-{colour}",
            title=f"{colour.capitalize()} {thing}",
            description=description,
            category=category,
            price=5.0 + place,
        )
        for thing, (category, description) in KINDS_OF_THING.items()
        for place, colour in enumerate(COLOURS)
    ]


def shop_events(now_ms: int) -> list[EventRow]:
    """Everybody walks through one kind of thing in the order of colours, buying each once.

    So what follows an item is always the next colour of the same thing.
    """
    things = list(KINDS_OF_THING)
    events: list[EventRow] = []
    for user in range(N_USERS):
        thing, start = things[user % len(things)], user // len(things)
        for step in range(EVENTS_PER_USER):
            colour = COLOURS[(start + step) % len(COLOURS)]
            events.append(
                EventRow(
                    event_key=f"{user:08d}{step:08d}".encode(),
                    user_id=f"user-{user}",
                    item_id=f"{thing}-{colour}",
                    kind=CODE_BY_KIND[EventKind.PURCHASE],
                    timestamp_ms=now_ms - DAY_MS * (1 + 3 * (EVENTS_PER_USER - step)) + user * 1_000,
                    price=5.0,
                )
            )
    return events


def make_encoder(folder: Path, texts: list[str]) -> None:
    """A BERT of two layers with random weights and a vocabulary of the shop's own words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    words = sorted(
        {word for text in texts for word in "".join(c if c.isalnum() else " " for c in text.lower()).split()}
    )
    letters = [f"{prefix}{chr(code)}" for code in range(ord("a"), ord("z") + 1) for prefix in ("", "##")]
    vocabulary = list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", *letters, *words]))
    # The exporter's example input names tokens up to 115.
    vocabulary += [f"[unused{place}]" for place in range(200 - len(vocabulary))]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)


def make_shop(folder: Path) -> None:
    """Write `shop.toml`, records and one model version."""
    from shelfwise.config.load import load
    from shelfwise.datasets.catalogue import Catalogue
    from shelfwise.datasets.interactions import Interactions
    from shelfwise.datasets.training_data import TrainingData
    from shelfwise.encode.catalogue import encode_changed, item_vectors
    from shelfwise.encode.passage import passage
    from shelfwise.encode.sentence_transformer import SentenceTransformer
    from shelfwise.encode.whitening import Whitening
    from shelfwise.offers.learning import learn_response
    from shelfwise.pipeline import model
    from shelfwise.pipeline.components import build_text_encoder
    from shelfwise.store import catalogue, event_log
    from shelfwise.store.records import Records
    from shelfwise.store.vectors import VectorCache
    from shelfwise.store.versions import Versions
    from shelfwise.train.encoder_export import export
    from shelfwise.train.fit import fit

    items = shop_items()
    make_encoder(folder / "bert", [passage(item) for item in items])
    (folder / "shop.toml").write_text(
        f"""
version = 1
[behaviour]
repeats = "exclude"
[encode]
whiten_dim = 16
[encode.text]
use = "sentence-transformer"
model = "{folder / "bert"}"
max_tokens = 32
threads = 1
"""
    )
    config = load(folder)
    records = Records.open(config.store.records, folder)
    with records.write() as connection:
        catalogue.upsert(connection, items)
        event_log.append(connection, shop_events(int(time.time() * 1_000)), None)
    encoder = build_text_encoder(config)
    assert isinstance(encoder, SentenceTransformer)
    encoder_folder = folder / config.store.vectors / encoder.key()
    export(encoder, encoder_folder)
    encoder.load(encoder_folder)
    cache = VectorCache(records, encoder_folder, encoder.key(), encoder.dim)
    encode_changed(items, encoder, cache)
    raw = item_vectors(items, cache)
    whitening = Whitening.fit(raw, dim=config.encode.whiten_dim, shrinkage=config.encode.whiten_shrinkage)
    with records.read() as connection:
        known = Catalogue.of(catalogue.read_all(connection))
        behaviour = Interactions.of(event_log.read_all(connection), n_users=N_USERS, n_items=len(known))
    records.close()
    data = TrainingData(behaviour, known, whitening(raw), behaviour.end_ms)
    fitted = fit(config, data, np.ones(N_USERS, np.bool_), lambda *_: None)
    model.save(
        Versions(folder / config.store.models),
        fitted.funnel,
        model.EncoderFiles(encoder_folder, encoder.runtime_files(), whitening, encoder.key()),
        {
            "config": config.model_dump(mode="json"),
            "repeats": fitted.repeats,
            "has_clock": behaviour.has_clock,
            "target": fitted.target.value,
            "only_purchases": True,
            "n_items": len(known),
            "log_end_ms": behaviour.end_ms,
        },
        response=learn_response(data, np.ones(N_USERS, np.bool_)).model,
    )


@pytest.fixture(scope="session")
def tiny_shop_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop, made once for all test processes (half a minute); copy it, never change it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "tiny-shop"
    with (shared / "tiny-shop.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make_shop(folder)
            (folder / "made").touch()
    return folder


@pytest.fixture
def tiny_shop(tiny_shop_template: Path, tmp_path: Path) -> Path:
    """A copy of the tiny shop for one test."""
    return shutil.copytree(tiny_shop_template, tmp_path / "shop")


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
import sys
from pathlib import Path
from shelfwise.errors import ShelfwiseError
from shelfwise.serve.run import serve

try:
    serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
except ShelfwiseError as error:
    print(error, file=sys.stderr)
    raise SystemExit(error.exit_code)
"""


def start_process(
    shop: Path, port: int, errors: Path, *, host: str = "127.0.0.1", key: str | None = None, workers: int = 1
) -> subprocess.Popen[bytes]:
    """Start a server, as the command line does."""
    script = errors.with_suffix(".py")
    script.write_text(START)
    environment = {name: value for name, value in os.environ.items() if name != "SHELFWISE_API_KEY"}
    if key is not None:
        environment["SHELFWISE_API_KEY"] = key
    with errors.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, str(script), str(shop), host, str(port), str(workers)],
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=environment,
        )


def has_opened(server: Server, workers: int) -> bool:
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
) -> Iterator[Server]:
    """A real server on a free port, ready to answer; stopped at the end, and its log looked through.

    Args:
        shop: The folder.
        host: Address to listen on.
        key: API key, in the environment and sent with every request.
        ready: What `/v1/health/ready` should answer at last.
        killed: Whether the test kills it.
        workers: Processes that answer.
    """
    port = free_port()
    errors = shop.parent / f"server-{port}.log"
    started = time.perf_counter()
    process = start_process(shop, port, errors, host=host, key=key, workers=workers)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", headers=headers, timeout=20) as http:
        server = Server(process, http, port, started, errors)
        try:
            while True:
                try:
                    answer = http.get("/health/ready")
                    is_loading = answer.json().get("code") == "loading"
                    if answer.status_code == ready and not is_loading and has_opened(server, workers):
                        break
                except httpx.TransportError:
                    pass
                assert process.poll() is None and time.perf_counter() - started < 30, server.log()
                time.sleep(0.01)
            server.ready_after_s = time.perf_counter() - started
            yield server
        finally:
            process.terminate()
            returned = process.wait(20)
    assert killed or returned == 0, server.log()
    assert "Traceback" not in server.log()


@pytest.fixture(scope="session")
def serve() -> Callable[..., object]:
    """`serving`, for tests that want servers of their own."""
    return serving


@pytest.fixture
def same_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that every server of the test listens on, one after the other."""
    port = free_port()
    monkeypatch.setitem(globals(), "free_port", lambda: port)
    return port


@pytest.fixture(scope="module")
def server(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module; they use users and items of their own."""
    with serving(shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("served") / "shop")) as running:
        yield running
