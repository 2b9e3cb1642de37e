"""A tiny shop with a trained model, made from nothing: sixty items, forty users, a text encoder of two layers."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

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
    from shelfwise.store.marks import marks
    from shelfwise.store.records import Records
    from shelfwise.store.vectors import VectorCache
    from shelfwise.store.versions import Versions
    from shelfwise.train.as_trained import note_as_trained
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
    records = Records.of(config.store, folder)
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
        learned_up_to = marks(connection)
    data = TrainingData(behaviour, known, whitening(raw), behaviour.end_ms)
    fitted = fit(config, data, np.ones(N_USERS, np.bool_), lambda *_: None)
    manifest = {
        "config": config.model_dump(mode="json"),
        "repeats": fitted.repeats,
        "has_clock": behaviour.has_clock,
        "target": fitted.target.value,
        "only_purchases": True,
        "n_items": len(known),
        "log_end_ms": behaviour.end_ms,
        "learned_up_to": learned_up_to.as_document(),
    }
    user_ids = [f"user-{user}" for user in range(N_USERS)]
    model.save(
        Versions(folder / config.store.models),
        fitted.funnel,
        model.EncoderFiles(encoder_folder, encoder.runtime_files(), whitening, encoder.key()),
        manifest,
        response=learn_response(data, np.ones(N_USERS, np.bool_)).model,
        last_look=lambda made: note_as_trained(made, manifest, records, behaviour, user_ids, lambda *_: None),
    )
    records.close()
