"""The contract of the cache of vectors: made once per text, and a crash leaves nothing wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.encode import catalogue as encode_catalogue
from shelfwise.encode.catalogue import encode_changed, item_vectors
from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.passage import content_hash
from shelfwise.schemas.ids import Floats
from shelfwise.schemas.items import Item
from shelfwise.store import vectors as vector_store
from shelfwise.store.records import Records
from shelfwise.store.vectors import FILE_NAME, VectorCache
from shelfwise.testing.stores.contract import StoreContract

DIM = 3


class Counting(TextEncoder):
    """Each text's vector follows from the text; every text that is encoded is noted."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def key(self) -> str:
        return "counting"

    def is_ready(self, folder: Path) -> bool:
        return True

    def load(self, folder: Path) -> None:
        """Nothing to read."""

    def runtime_files(self) -> tuple[str, ...]:
        return ()

    @property
    def dim(self) -> int:
        return DIM

    def encode(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return np.stack([vector_of(text) for text in texts])


def vector_of(text: str) -> Floats:
    """Exact in half precision."""
    return np.array([len(text), ord(text[0]) if text else 0, text.count("e")], np.float32)


def shop(*titles: str) -> list[Item]:
    """Items of these titles."""
    return [Item(item_id=str(n), title=title or None) for n, title in enumerate(titles)]


class VectorCacheContract(StoreContract):
    """A second run encodes nothing; what is kept is never replaced."""

    @pytest.fixture
    def cache(self, records: Records, tmp_path: Path) -> VectorCache:
        """An empty one."""
        return VectorCache(records, tmp_path / "vectors" / "counting", "counting", DIM)

    def test_a_second_run_encodes_nothing_and_one_change_encodes_one(self, cache: VectorCache) -> None:
        encoder, items = Counting(), shop("Red mug", "Blue mug", "Lamp")
        assert encode_changed(items, encoder, cache).n_encoded == 3
        assert encode_changed(items, encoder, cache).n_encoded == 0
        assert len(encoder.asked) == 3
        items[1] = Item(item_id="1", title="Green mug", price=3)
        assert encode_changed(items, encoder, cache).n_encoded == 1
        assert encoder.asked[3:] == ["Green mug"]
        # What is no part of the text changes nothing.
        items[1] = Item(item_id="1", title="Green mug", price=4, available=False)
        assert encode_changed(items, encoder, cache).n_encoded == 0
        np.testing.assert_array_equal(
            item_vectors(items, cache), [vector_of(title) for title in ("Red mug", "Green mug", "Lamp")]
        )

    def test_equal_texts_are_encoded_once_and_empty_ones_do_no_harm(self, cache: VectorCache) -> None:
        encoder, items = Counting(), shop("Mug", "", "Mug", "")
        outcome = encode_changed(items, encoder, cache)
        assert (outcome.n_items, outcome.n_encoded) == (4, 2)
        np.testing.assert_array_equal(item_vectors(items, cache), [vector_of(text) for text in ("Mug", "", "Mug", "")])

    def test_progress_counts_to_the_end_over_several_commits(
        self, cache: VectorCache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(encode_catalogue, "CHUNK", 3)
        told: list[tuple[int, int]] = []
        items = shop(*(f"Thing {'x' * n}" for n in range(1, 9)))
        encode_changed(items, Counting(), cache, lambda done, total: told.append((done, total)))
        assert told == [(3, 8), (6, 8), (8, 8)]
        np.testing.assert_array_equal(item_vectors(items, cache), [vector_of(f"Thing {'x' * n}") for n in range(1, 9)])

    def test_an_interrupted_run_goes_on_where_it_stopped(
        self, cache: VectorCache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(encode_catalogue, "CHUNK", 2)
        items, encoder = shop(*(f"Thing {'x' * n}" for n in range(6))), Counting()

        def stop(done: int, _total: int) -> None:
            if done == 4:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            encode_changed(items, encoder, cache, stop)
        assert encode_changed(items, encoder, cache).n_encoded == 2
        assert len(encoder.asked) == 6

    def test_a_crash_between_file_and_index_leaves_no_wrong_vector(
        self, cache: VectorCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        items, encoder = shop("Red mug", "Blue mug"), Counting()
        encode_changed(items[:1], encoder, cache)
        real_insert = vector_store.insert

        def power_cut(_: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(vector_store, "insert", power_cut)
        with pytest.raises(KeyboardInterrupt):
            cache.append([content_hash("Blue mug")], np.full((1, DIM), 99, np.float32))
        monkeypatch.setattr(vector_store, "insert", real_insert)
        assert (tmp_path / "vectors" / "counting" / FILE_NAME).stat().st_size == 2 * DIM * 2  # the bytes are there
        assert cache.missing([content_hash("Blue mug")]) == [content_hash("Blue mug")]
        assert encode_changed(items, encoder, cache).n_encoded == 1
        np.testing.assert_array_equal(item_vectors(items, cache), [vector_of("Red mug"), vector_of("Blue mug")])

    def test_half_a_vector_behind_the_last_one_does_no_harm(self, cache: VectorCache, tmp_path: Path) -> None:
        items, encoder = shop("Red mug"), Counting()
        encode_changed(items, encoder, cache)
        with (tmp_path / "vectors" / "counting" / FILE_NAME).open("ab") as file:
            file.write(b"\x01")  # a crash in the middle of a write
        np.testing.assert_array_equal(item_vectors(items, cache), [vector_of("Red mug")])
        encode_changed([*items, *shop("Lamp")], encoder, cache)
        np.testing.assert_array_equal(
            item_vectors(shop("Red mug", "Lamp"), cache), [vector_of(t) for t in ("Red mug", "Lamp")]
        )

    def test_encoders_do_not_share_vectors(self, cache: VectorCache, records: Records, tmp_path: Path) -> None:
        other = VectorCache(records, tmp_path / "vectors" / "other", "other", DIM)
        key = content_hash("Mug")
        cache.append([key], np.ones((1, DIM), np.float32))
        assert other.missing([key]) == [key]
        other.append([key], np.full((1, DIM), 2, np.float32))
        np.testing.assert_array_equal(cache.gather([key]), np.ones((1, DIM)))
        np.testing.assert_array_equal(other.gather([key]), np.full((1, DIM), 2))

    def test_what_is_kept_is_never_replaced(self, cache: VectorCache) -> None:
        first, second = content_hash("a"), content_hash("b")
        cache.append([first], np.ones((1, DIM), np.float32))
        cache.append([first, second], np.array([[7, 7, 7], [2, 2, 2]], np.float32))
        np.testing.assert_array_equal(cache.gather([second, first, second]), [[2] * 3, [1] * 3, [2] * 3])
        with pytest.raises(KeyError):
            cache.gather([content_hash("c")])

    def test_nothing_gathered_has_a_shape(self, cache: VectorCache) -> None:
        assert cache.gather([]).shape == (0, DIM)
