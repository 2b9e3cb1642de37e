"""From stored rows to verdicts and to the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import against_peers
from against_peers import measure
from peers.models import COLD_PEER, OURS, OURS_QUICK
from peers.rows import Key, write
from peers.table import SHOWN
from record import Record
from tables import peers_section

N_QUESTIONS = 200


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(against_peers, "ROWS", tmp_path)
    return tmp_path


def store(rows: Path, data: str, protocol: str, model: str, hits: int, seeds: tuple[int, ...] = (0,)) -> None:
    """A model that answers the first `hits` questions perfectly and the others not at all."""
    values = (np.arange(N_QUESTIONS) < hits).astype(np.float32)
    about = {
        "data": data,
        "protocol": protocol,
        "asked": "what came last",
        "n_questions": N_QUESTIONS,
        "n_items": 5,
        "seen_items": "removed",
        "exam": "one",
        "settings": {"ridge": 100.0},
        "n_tried": 7,
        "seconds": {part: {"wall": 2.0, "cpu": 1_234.5} for part in ("encode", "fit", "tune", "ask")},
        "n_threads": 2,
        "note": "stopped early",
        "date": "2026-11-25T00:00:00+00:00",
        "commit": "abc",
        "machine": {"cores": 2, "cpu": "some"},
        "versions": {"numpy": "2"},
    }
    for seed in seeds:
        write(rows, Key(data, protocol, model, seed), about, dict.fromkeys(SHOWN, values))


def verdicts(names: list[str]) -> tuple[dict[str, bool], Record]:
    record = Record("peers", quick=False, commit_at_start="abc")
    measure(record, names, "none", quick=False, say=lambda text: None)
    return {promise.name: promise.is_kept for promise in record.promises}, record


def test_beauty_must_be_significantly_above_everybody(rows: Path) -> None:
    store(rows, "beauty", "leave-one-out", OURS, 60, seeds=(0, 1, 2))
    store(rows, "beauty", "leave-one-out", "ease", 30)
    store(rows, "beauty", "leave-one-out", OURS_QUICK, 56)
    kept, record = verdicts(["beauty"])
    assert kept == {
        "beauty-recall": True,
        "beauty-ndcg": True,
        "beauty-significantly-above-every-peer": True,
        "beauty-train-cpu-seconds": True,
        "beauty-quick-loss": True,
        "beauty-quick-train-cpu-seconds": False,  # 2 x 1,234.5 s
    }
    page = peers_section(record.as_document())
    assert f"| {OURS}, mean of 3 seeds ± 0.0000 | 0.3000 |" in page
    assert "| 7 | 1,234.5 |" in page
    assert "ease: ridge 100.0; stopped early." in page

    store(rows, "beauty", "leave-one-out", "als", 58)  # beaten, but it might be chance
    assert verdicts(["beauty"])[0]["beauty-significantly-above-every-peer"] is False
    store(rows, "beauty", "leave-one-out", OURS, 20, seeds=(0, 1, 2))
    assert verdicts(["beauty"])[0]["beauty-recall"] is False


def test_the_others_count_how_often_the_best_peer_is_beaten(rows: Path) -> None:
    for data, protocol, ours in (
        ("games", "leave-one-out", 90),
        ("ml-100k", "leave-one-out", 61),
        ("ml-100k", "time-split", 50),
    ):
        store(rows, data, protocol, OURS, ours)
        store(rows, data, protocol, "popularity", 10)
        store(rows, data, protocol, "ease", 60)
    kept, record = verdicts(["games", "ml-100k"])
    assert kept == {
        "games-leave-one-out-above-best-peer": True,
        "ml-100k-leave-one-out-above-best-peer": True,
        "ml-100k-time-split-above-best-peer": False,
        "significantly-above-best-peer-on": False,  # one of three, two were promised
    }
    assert record.promises[-1].value == 1


def test_without_ours_nothing_is_promised(rows: Path) -> None:
    store(rows, "games", "leave-one-out", "ease", 60)
    kept, record = verdicts(["games", "online-retail"])
    assert kept == {}
    assert record.skipped == {"games-leave-one-out-*": f"there are no rows of {OURS}"}


def test_an_unknown_data_set_is_named(rows: Path) -> None:
    with pytest.raises(SystemExit, match=r"toys: no such data set.*ml-100k"):
        verdicts(["toys"])


def test_the_quick_configuration_is_no_peer(rows: Path) -> None:
    store(rows, "ml-100k", "leave-one-out", OURS, 60)
    store(rows, "ml-100k", "leave-one-out", OURS_QUICK, 70)
    store(rows, "ml-100k", "leave-one-out", "ease", 30)
    kept, _ = verdicts(["ml-100k"])
    assert kept["ml-100k-leave-one-out-above-best-peer"]


@pytest.mark.parametrize(("ours", "is_kept"), [(37, True), (35, False)])
def test_cold_items_are_held_against_the_text_only_peer(rows: Path, ours: int, is_kept: bool) -> None:
    store(rows, "beauty", "cold-items", OURS, ours)
    store(rows, "beauty", "cold-items", COLD_PEER, 30)
    store(rows, "beauty", "cold-items", "popularity", 0)
    kept, _ = verdicts(["beauty"])
    assert kept == {f"beauty-cold-items-ahead-of-{COLD_PEER}": is_kept}
