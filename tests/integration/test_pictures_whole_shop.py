"""A shop with pictures, from its files to answers; and one without, which pays nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shelfwise.shop import Shop
from shelfwise.testing.pictures import product

COLOURS = {
    "red": (200, 30, 40),
    "blue": (30, 60, 200),
    "green": (20, 140, 60),
    "black": (20, 20, 20),
    "yellow": (230, 200, 30),
    "violet": (120, 40, 160),
}
KINDS = ("box", "disc", "trousers")
N_EACH = 3
DAY_S = 86_400
TOML = """
version = 1
[behaviour]
repeats = "exclude"
[encode.text]
use = "none"
[encode.image]
use = "{use}"
{options}
[retrieve.content]
use = "content"
[retrieve.popular]
use = "popular"
[rank]
use = "fusion"
model = "reciprocal"
[ingest.items]
path = "items.csv"
format = "csv"
[ingest.events]
path = "events.csv"
format = "csv"
default_event = "purchase"
timestamp_format = "epoch_s"
"""


def make_files(folder: Path, *, pictures: bool = True) -> list[str]:
    """Three pictures, of slightly different shades, of each kind in each colour; titles are mere numbers."""
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    items, ids = ["item_id,title,image"], []
    for kind in KINDS:
        for colour, levels in COLOURS.items():
            for n in range(N_EACH):
                item_id = f"{kind}-{colour}-{n}"
                shade = tuple(int(np.clip(level + random.integers(-12, 13), 0, 255)) for level in levels)
                if pictures:
                    Image.fromarray(product(shade, kind)).save(folder / "images" / f"{item_id}.png")
                items.append(f"{item_id},No. {len(ids)},{f'{item_id}.png' if pictures else ''}")
                ids.append(item_id)
    if pictures:
        (folder / "images" / "broken.png").write_bytes(b"no picture")
        items += ["broken,No. 90,broken.png", "gone,No. 91,gone.png", "far,No. 92,https://cdn.example/far.png"]
    (folder / "items.csv").write_text("\n".join(items) + "\n")
    events = ["user_id,item_id,timestamp"]
    for user in range(30):
        for step in range(4):
            events.append(f"u{user},{ids[int(random.integers(len(ids)))]},{1_700_000_000 + DAY_S * (user + 7 * step)}")
    (folder / "events.csv").write_text("\n".join(events) + "\n")
    return ids


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "shop"
    make_files(folder)
    (folder / "shop.toml").write_text(TOML.format(use="descriptors", options=""))
    with Shop.open(folder) as shop:
        shop.check()
        shop.ingest()
        shop.train()
    return folder


def similar(shop: Shop, item_id: str, k: int = 2) -> list[str]:
    return [found.item_id for found in shop.recommender.similar(item_id, k)]


def test_what_looks_alike_is_similar(trained: Path) -> None:
    with Shop.open(trained) as shop:
        named = [f"{kind}-{colour}-{n}" for kind in KINDS for colour in COLOURS for n in range(N_EACH)]
        hits = [found.startswith(item_id[:-2]) for item_id in named for found in similar(shop, item_id)]
        assert np.mean(hits) > 0.7  # by chance: 2 in 53
        slate = shop.recommend("u1", k=5)
        assert len(slate.items) == 5
        assert any("content" in item.sources for item in slate.items)


def test_broken_pictures_are_told_and_do_no_harm(trained: Path) -> None:
    with Shop.open(trained) as shop:
        told = shop.versions.current().manifest["pictures"]
        assert told["problems"] == {"missing": 1, "remote": 1, "unreadable": 1}
        assert told["with_picture"] == len(KINDS) * len(COLOURS) * N_EACH
        outcome = shop.encode()
        assert outcome.pictures is not None
        assert outcome.pictures.n_encoded == 0
        assert similar(shop, "broken") == []


def test_a_version_carries_what_new_pictures_need(trained: Path) -> None:
    """A new item, and one whose picture changed, as the server takes them up."""
    from shelfwise.schemas.items import Item
    from shelfwise.store import catalogue

    Image.fromarray(product((205, 36, 44), "disc")).save(trained / "images" / "new.png")
    with Shop.open(trained) as shop:
        recommender = shop.recommender

        def send(item: Item) -> None:
            with shop.records.write() as connection:
                catalogue.upsert(connection, [item])
            with shop.records.read() as connection:
                entry = catalogue.get(connection, item.item_id)
            assert entry is not None
            recommender.live.put_item(entry, recommender.live.encode_many([item])[0])

        send(Item(item_id="new", title="No. 99", image="new.png"))
        assert all(found.startswith("disc-red") for found in similar(shop, "new"))
        send(Item(item_id="new-broken", title="No. 98", image="broken.png"))
        assert similar(shop, "new-broken") == []
    # A server that starts later takes up what came after the training.
    with Shop.open(trained) as shop:
        assert all(found.startswith("disc-red") for found in similar(shop, "new"))


def test_a_picture_that_is_taken_away_is_like_no_other(trained: Path, tmp_path: Path) -> None:
    """By one change, by one of many in an import, or since its file is not there any more; after a new start too."""
    from shelfwise.schemas.items import Item
    from shelfwise.store import catalogue

    folder = shutil.copytree(trained, tmp_path / "shop")
    changed = {
        "disc-blue-0": Item(item_id="disc-blue-0", title="No. 0"),
        "disc-blue-1": Item(item_id="disc-blue-1", title="No. 1", image="not-there.png"),
    }
    with Shop.open(folder) as shop:
        assert set(changed) <= set(similar(shop, "disc-blue-2", 8))
        with shop.records.write() as connection:
            many = [Item(item_id=f"other-{n}", title=f"Other {n}") for n in range(300)]
            catalogue.upsert(connection, [*many, *changed.values()])
        kept = shop.recommender
        while kept.live.follow():
            pass
        with Shop.open(folder) as started:
            for opened in (shop, started):
                assert similar(opened, "disc-blue-0") == similar(opened, "disc-blue-1") == []
                assert not set(changed) & set(similar(opened, "disc-blue-2", 40))


def test_a_vision_model_takes_the_descriptors_place(tmp_path: Path) -> None:
    """Random weights know nothing, but run through everything, and are served without torch."""
    from shelfwise.testing.tiny_models import tiny_clip

    tiny_clip(tmp_path / "clip")
    folder = tmp_path / "shop"
    make_files(folder)
    options = f'model = "{tmp_path / "clip"}"\nthreads = 1'
    (folder / "shop.toml").write_text(TOML.format(use="clip", options=options))
    with Shop.open(folder) as shop:
        shop.ingest()
        version = shop.train()
        assert (version.folder / "pictures" / "picture_encoder.onnx").is_file()
    found = run_apart(
        folder,
        """
answer = {"similar": [item.item_id for item in shop.recommender.similar("box-red-0", 5)]}
from shelfwise.schemas.items import Item
vectors = shop.recommender.live.encode_many([Item(item_id="x", image="box-red-0.png")])[0]
answer["has_picture"] = vectors.picture is not None
""",
    )
    assert len(found["answer"]["similar"]) == 5
    assert found["answer"]["has_picture"]
    assert "torch" not in found["loaded"]
    assert "transformers" not in found["loaded"]


def test_a_shop_without_pictures_pays_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    make_files(folder, pictures=False)
    text = TOML.format(use="descriptors", options="").replace('[retrieve.content]\nuse = "content"\n', "")
    (folder / "shop.toml").write_text(text)
    found = run_apart(folder, "shop.ingest()\nshop.train()\nanswer = len(shop.recommend('u1').items)\n")
    assert found["answer"] > 0
    assert "PIL" not in found["loaded"]
    with Shop.open(folder) as shop:
        version = shop.versions.current()
        assert "pictures" not in version.manifest
        assert not (version.folder / "pictures").exists()
        assert not (folder / "vectors").exists()


def run_apart(folder: Path, code: str) -> dict[str, Any]:
    """Run code with `shop` open in a process of its own; its `answer`, and the packages that were loaded."""
    program = f"""
import json, sys
from shelfwise.shop import Shop

with Shop.open({str(folder)!r}) as shop:
{"".join(f"    {line}" + chr(10) for line in code.strip().splitlines())}
print(json.dumps({{"answer": answer, "loaded": sorted({{name.split(".")[0] for name in sys.modules}})}}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
