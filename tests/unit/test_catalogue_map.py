"""The map of a catalogue: what is alike lies together, the same twice, and stays where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.errors import StateError
from shelfwise.store.maps import Maps
from shelfwise.store.versions import Version
from shelfwise.train.catalogue_map.draw import draw
from shelfwise.train.catalogue_map.neighbours import neighbours

N_GROUPS, SIZE = 6, 25


def silent(*_: Any) -> None:
    pass


def groups(n: int = N_GROUPS, size: int = SIZE) -> tuple[Any, Any]:
    random = np.random.default_rng(3)
    codes = np.repeat(np.arange(n), size)
    vectors = np.eye(n, 16, dtype=np.float32)[codes] + random.normal(0, 0.06, (len(codes), 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), codes


def version(folder: Path, name: str, vectors: Any) -> Version:
    own = folder / name
    (own / "items").mkdir(parents=True)
    np.save(own / "items" / "vectors.npy", vectors)
    return Version(name, own, {}, True)


def test_neighbours_begin_with_the_item_itself_even_among_twins() -> None:
    vectors, _ = groups(2, 10)
    vectors[3] = vectors[2] = vectors[1]
    found = neighbours(np.ascontiguousarray(vectors), 5, silent)
    assert (found.places[:, 0] == np.arange(len(vectors))).all()
    assert all(len(set(row)) == 5 for row in found.places.tolist())
    assert (np.diff(found.distances, axis=1) >= 0).all()
    cosines = vectors @ vectors.T
    for row in range(len(vectors)):
        best = np.sort(1 - cosines[row])[:5]
        assert np.sort(found.distances[row]) == pytest.approx(best.clip(0), abs=1e-5)


def test_alike_lies_together_and_stays_from_one_version_to_the_next(tmp_path: Path) -> None:
    vectors, codes = groups()
    vectors[7] = 0  # an item of which nothing is known
    maps = Maps(tmp_path)
    first = draw(version(tmp_path, "a", vectors), maps, silent)
    assert first.about["n_placed"] == len(vectors) - 1
    assert np.isnan(first.positions[7]).all()
    placed = np.flatnonzero(~np.isnan(first.positions[:, 0]))
    at = first.positions[placed]
    assert np.abs(at).max() <= 1.0
    middles = np.stack([at[codes[placed] == code].mean(axis=0) for code in range(N_GROUPS)])
    nearest = np.linalg.norm(at[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == codes[placed]).mean() > 0.95

    again = draw(version(tmp_path, "again", vectors), Maps(tmp_path / "elsewhere"), silent)
    assert np.array_equal(again.positions, first.positions, equal_nan=True)

    # The next training knows two items more: what was there stays in its corner, and the new ones lie with their kind.
    more = np.concatenate([vectors, vectors[[0, SIZE]]])
    second = draw(version(tmp_path, "b", more), maps, silent)
    assert second.about["begins_from"] == "a"
    moved = np.linalg.norm(second.positions[placed] - at, axis=1)
    apart = np.linalg.norm(middles[:, None] - middles, axis=2)
    # How near the two nearest groups lie is chance, and another one on each kind of processor.
    assert np.median(moved) < 0.5 * np.median(apart[apart > 0])
    for new, kind in ((len(vectors), 0), (len(vectors) + 1, 1)):
        middle = np.nanmean(second.positions[: len(vectors)][codes == kind], axis=0)
        assert np.linalg.norm(second.positions[new] - middle) < apart[apart > 0].min()


def test_too_few_items_are_no_map(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="knows 10 items"):
        draw(version(tmp_path, "a", groups(2, 5)[0]), Maps(tmp_path), silent)
    assert Maps(tmp_path).get("a") is None


def test_a_map_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    maps = Maps(tmp_path)
    maps.put("v", np.zeros((3, 2), np.float32), {"drawn_at": "1"})
    with pytest.raises(TypeError):
        maps.put("v", np.ones((3, 2), np.float32), {"drawn_at": "2", "no json": object()})
    found = maps.get("v")
    assert found is not None and found.about["drawn_at"] == "1" and not found.positions.any()
    assert [path.name for path in maps.folder.iterdir()] == ["v"]
