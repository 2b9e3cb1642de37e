"""A comparison that was interrupted goes on where it stood: whoever has a row is not asked again."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from peers import compare as comparing
from peers import shops
from peers.compare import Plan, chosen, compare
from peers.rows import Key, is_stored, read, stored
from peers.shops import DataSet
from peers.table import from_folder

MODELS = ("popularity", "ease")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    """Twelve shoppers who go round a circle of eight items."""
    tables = tmp_path / "tables"
    tables.mkdir()
    pl.DataFrame({"item_id": [f"i{n}" for n in range(8)], "title": [f"Item {n}" for n in range(8)]}).write_parquet(
        tables / "items.parquet"
    )
    pl.DataFrame(
        [
            {"user_id": f"u{user}", "item_id": f"i{(user + step) % 8}", "event": "purchase", "timestamp": step}
            for user in range(12)
            for step in range(5)
        ]
    ).write_parquet(tables / "events.parquet")
    monkeypatch.setattr(shops, "PREPARED", tmp_path / "prepared")
    return DataSet("small", ("leave-one-out",), False, True, lambda folder: shops._draft(folder, tables))


def test_who_has_a_row_is_not_asked_again(small: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, told = tmp_path / "rows", []
    asked: list[str] = []
    ask = comparing._ask

    def counted(key: Key, *rest: object) -> int:
        asked.append(key.model)
        return ask(key, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(comparing, "_ask", counted)

    compare(small, Plan(("popularity",), rows), told.append)
    assert asked == ["popularity"]
    ((exam, failed),) = compare(small, Plan(MODELS, rows), told.append)
    assert asked == ["popularity", "ease"]
    assert failed == []
    keys = {model: Key("small", "leave-one-out", model, 0) for model in MODELS}
    assert stored(rows, "small", "leave-one-out") == [keys["ease"], keys["popularity"]]

    # Interrupted while it was writing: the JSON comes last, so without it there is no row.
    keys["ease"].path(rows).unlink()
    assert not is_stored(rows, keys["ease"], exam.fingerprint())
    compare(small, Plan(MODELS, rows), told.append)
    assert asked == ["popularity", "ease", "ease"]

    # A row that answered other questions counts for nothing.
    assert not is_stored(rows, keys["ease"], "another exam")

    found = from_folder(rows, "small", "leave-one-out")
    assert found is not None
    assert [line["model"] for line in found["models"]] == ["ease", "popularity"]
    row = read(rows, keys["ease"])
    assert row.about["n_tried"] > 1
    assert len(row.by_metric["ndcg@10"]) == row.about["n_questions"] == 12
    # Everybody moves on by one item: what leads on is known from the others.
    assert row.by_metric["ndcg@10"].mean() > 0.5


def test_a_model_that_fails_is_told_of_and_leaves_no_row(
    small: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(comparing, "CPU_S", "no number")
    ((_, failed),) = compare(small, Plan(("popularity",), tmp_path / "rows"), told.append)
    assert failed == ["popularity"]
    assert any("failed with exit code" in text for text in told)
    assert "--cpu-s" in capfd.readouterr().err
    assert stored(tmp_path / "rows", "small", "leave-one-out") == []


def test_names_on_the_command_line() -> None:
    assert chosen("none") == ()
    assert "shelfwise" in chosen("all")
    assert "shelfwise" not in chosen("peers")
    assert not {"esasrec", "hstu"} & set(chosen("all"))
    assert chosen("ease,hstu") == ("ease", "hstu")
    with pytest.raises(SystemExit, match="no model is called 'eese'"):
        chosen("eese")
