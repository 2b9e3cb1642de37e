"""The shops that the comparison is made on, ready to be asked: ingested by Shelfwise itself, kept between runs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import polars as pl

from peers import office
from shelfwise.config.load import FILE_NAME
from shelfwise.shop import Shop
from shelfwise.shop.draft import look, write

Protocol = Literal["leave-one-out", "time-split", "cold-items", "published"]
"""`cold-items`: see `peers.cold_items`; `published`: questions that others published, see `peers.office`."""

DATA = "SHELFWISE_BENCH_DATA"
"""Names the folder that holds `beauty/`, `games/`, `office/` and `ml-100k/`; their data may not be shipped."""

PREPARED = Path(__file__).parents[1] / ".prepared"
READY = "ready"
YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class DataSet:
    """One shop and how it is asked.

    Attributes:
        repeats: Whether items that the user had may be recommended, and count.
        is_shipped: Whether it comes with Shelfwise.
        prepare: Makes the shop in an empty folder, up to its `shop.toml`.
    """

    name: str
    protocols: tuple[Protocol, ...]
    repeats: bool
    is_shipped: bool
    prepare: Callable[[Path], None]


def ready(data: DataSet) -> Path:
    """The shop's folder, made where absent: drafted and ingested, not yet encoded.

    It is drafted anew every time, so that our own model is the one that a shop would get today.
    """
    folder = PREPARED / data.name
    is_ready = (folder / READY).exists()
    if not is_ready:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    (folder / FILE_NAME).unlink(missing_ok=True)
    data.prepare(folder)
    if not is_ready:
        with Shop.open(folder) as shop:
            shop.ingest()
        (folder / READY).touch()
    return folder


def source(name: str) -> Path:
    """The folder of a data set that is not shipped.

    Raises:
        SystemExit: it is not there.
    """
    if DATA not in os.environ:
        raise SystemExit(f"{name}: {DATA} must name the folder that holds {name}/")
    folder = Path(os.environ[DATA]) / name
    if not folder.is_dir():
        raise SystemExit(f"{name}: there is no folder {folder}")
    return folder


def _two_tables(name: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        _draft(folder, source(name))

    return prepare


def _movies(folder: Path) -> None:
    """RecBole's atomic files as two tables: any rating is interest; genres are the category, in the file's order."""
    origin = source("ml-100k")
    items = _atomic(origin / "ml-100k.item").select(
        item_id="item_id",
        title="movie_title",
        category=pl.col("class").str.replace_all(" ", " > ", literal=True),
        year=pl.when(pl.col("release_year").str.contains(f"^{YEAR.pattern}$")).then("release_year"),
    )
    events = _atomic(origin / "ml-100k.inter").select(
        user_id="user_id",
        item_id="item_id",
        event=pl.lit("rating"),
        timestamp=pl.from_epoch(pl.col("timestamp").cast(pl.Int64)).dt.replace_time_zone("UTC"),
    )
    items.write_parquet(folder / "items.parquet")
    events.write_parquet(folder / "events.parquet")
    _draft(folder, folder)


def _office(folder: Path) -> None:
    origin = source("office")
    shutil.copyfile(origin / "items.parquet", folder / "items.parquet")
    rows = office.events(office.published(origin, "valid"), office.published(origin, "test"))
    rows.write_parquet(folder / "events.parquet")
    _draft(folder, folder)


def _gift_shop(folder: Path) -> None:
    with resources.as_file(resources.files("shelfwise.cli") / "demo_shop") as packed:
        for path in packed.iterdir():
            shutil.copyfile(path, folder / path.name)


def _draft(folder: Path, tables: Path) -> None:
    write(folder, look(folder, tables / "items.parquet", tables / "events.parquet", None))


def _atomic(path: Path) -> pl.DataFrame:
    """A tab-separated file whose header says `name:type`, as text."""
    table = pl.read_csv(path, separator="\t", quote_char=None, infer_schema=False)
    return table.rename({name: name.split(":")[0] for name in table.columns})


DATA_SETS = {
    data.name: data
    for data in (
        DataSet("ml-100k", ("leave-one-out", "time-split"), False, False, _movies),
        DataSet("online-retail", ("time-split",), True, True, _gift_shop),
        DataSet("office", ("published", "cold-items"), True, False, _office),
        DataSet("beauty", ("leave-one-out", "cold-items"), False, False, _two_tables("beauty")),
        DataSet("games", ("leave-one-out", "cold-items"), False, False, _two_tables("games")),
    )
}
"""Smallest first."""
