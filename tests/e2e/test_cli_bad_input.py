"""Whatever is wrong with what a shop gives: its own message, the next step, the right exit code, no stack trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

ITEMS = "item_id,title,category,price\nA,Red mug,Kitchen > Mugs,5\nB,Blue mug,Kitchen > Mugs,6\n"
EVENTS = "user_id,item_id,event,timestamp\nu1,A,purchase,2024-01-01T10:00:00\nu1,B,purchase,2024-01-02T10:00:00\n"
FILES = '[ingest.items]\npath = "items.csv"\n[ingest.events]\npath = "events.csv"\n'


def shop(folder: Path, toml: str = FILES, *, items: str | bytes = ITEMS, events: str | bytes = EVENTS) -> Path:
    """A shop's folder with a hand-written shop.toml and its two files."""
    folder.mkdir(exist_ok=True)
    (folder / "shop.toml").write_text(f"version = 1\n{toml}")
    for name, data in (("items.csv", items), ("events.csv", events)):
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def refused(ran: Any, *parts: str, code: int = 2) -> None:
    """The command failed, saying all of this on standard error and nothing on standard output."""
    assert ran.code == code, ran.err
    assert ran.out == ""
    told = " ".join(ran.err.split())
    assert told.startswith("error ")
    for part in parts:
        assert part in told, ran.err


class TestFiles:
    def test_a_missing_file(self, cli: Cli, tmp_path: Path) -> None:
        folder = shop(tmp_path / "s", FILES.replace("items.csv", "itemz.csv"))
        for verb in ("check", "ingest"):
            refused(cli(verb, "--shop", folder), "no file", "itemz.csv", "relative path starts from the shop's folder")

    def test_a_missing_file_named_to_init(self, cli: Cli, tmp_path: Path) -> None:
        refused(cli("init", tmp_path / "s", "--items", tmp_path / "nowhere.csv", "--yes"), "no file", "nowhere.csv")
        assert not (tmp_path / "s").exists()

    def test_a_wrong_delimiter(self, cli: Cli, tmp_path: Path) -> None:
        toml = '[ingest.items]\npath = "items.csv"\ndelimiter = ","\n'
        folder = shop(tmp_path / "s", toml, items=ITEMS.replace(",", ";"))
        for verb in ("check", "ingest"):
            refused(cli(verb, "--shop", folder), "delimiter ','", "semicolon", 'delimiter = ";"')

    def test_no_mapping_for_item_id(self, cli: Cli, tmp_path: Path) -> None:
        folder = shop(tmp_path / "s", items="StockCode,Text\nA,Mug\n")
        ran = cli("ingest", "--shop", folder)
        refused(ran, "no column is mapped to item_id", "StockCode, Text", "[ingest.items.columns]")

    def test_an_empty_file(self, cli: Cli, tmp_path: Path) -> None:
        folder = shop(tmp_path / "s", items="")
        refused(cli("ingest", "--shop", folder), "items.csv", "empty")
        refused(cli("init", tmp_path / "new", "--items", folder / "items.csv", "--yes"), "items.csv", "empty")

    def test_dates_in_two_formats(self, cli: Cli, tmp_path: Path) -> None:
        folder = shop(tmp_path / "s", events=EVENTS + "u1,B,purchase,31/12/2023 09:00\n")
        ran = cli("ingest", "--shop", folder)
        refused(ran, "two formats", "line 2", "line 4", 'timestamp_format = ["iso8601", "%d/%m/%Y %H:%M"]')

    def test_bytes_that_are_no_utf8(self, cli: Cli, tmp_path: Path) -> None:
        folder = shop(tmp_path / "s", items=ITEMS.encode() + b"C,Caf\xe9,,\n")
        refused(cli("ingest", "--shop", folder), "items.csv:4", "0xe9", 'encoding = "latin-1"')

    def test_a_line_of_100_mb_is_refused_in_little_memory(self, tmp_path: Path) -> None:
        fine = shop(tmp_path / "fine")
        long = shop(tmp_path / "long")
        with (long / "items.csv").open("r+b") as file:  # sparse: costs no disk
            file.seek(0, os.SEEK_END)
            file.write(b"C,")
            file.truncate(file.tell() + 100_000_000)
        code, _, usual_kib = run_measured("ingest", "--shop", fine)
        assert code == 0
        code, told, peak_kib = run_measured("ingest", "--shop", long)
        assert code == 2, told
        assert "items.csv:4: the line is longer than 1,048,576 bytes" in " ".join(told.split())
        assert "Traceback" not in told
        assert peak_kib - usual_kib < 60_000

    def test_a_shop_that_names_no_files(self, cli: Cli, tmp_path: Path) -> None:
        refused(cli("ingest", "--shop", shop(tmp_path / "s", "")), "names no files", "shelfwise init")


def run_measured(*arguments: object) -> tuple[int, str, int]:
    """Exit code, standard error and peak memory in KiB of the command in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "shelfwise.cli.main", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    told = process.stderr.read().decode()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, told, usage.ru_maxrss


class TestShopToml:
    @pytest.mark.parametrize(
        ("toml", "parts"),
        [
            ("[behavior]\nhistory = 3\n", ("behavior: there is no such key", "did you mean 'behaviour'?")),
            ("[behaviour]\nhistroy = 3\n", ("behaviour.histroy: there is no such key", "did you mean 'history'?")),
            (
                '[retrieve.mine]\nuse = "popular"\nhalf_life_h = 24\n',
                ("retrieve.mine.half_life_h", "unit is wrong", "'half_life_d', in days", "Convert the number to days"),
            ),
            ("[evaluate]\ntest_h = 24\n", ("evaluate.test_h", "unit is wrong", "'test_d', in days")),
            ('[evaluate]\ntest_d = "4 weeks"\n', ("evaluate.test_d", "'4 weeks'", "a plain number of days")),
            (
                '[ingest.items]\npath = "items.csv"\ndelimeter = ";"\n',
                ("ingest.items.delimeter", "did you mean 'delimiter'?"),
            ),
            (
                '[scenarios.home]\nretrieve = ["transition"]\n',
                ("scenarios.home.retrieve names 'transition'", "did you mean 'transitions'?"),
            ),
            (
                '[retrieve.mine]\nuse = "populer"\n[scenarios.home]\n',
                ("retrieve.mine.use: no retriever is called 'populer'", "did you mean 'popular'?"),
            ),
            ('[rank]\nuse = "fusoin"\n', ("rank.use: no ranker is called 'fusoin'", "did you mean 'fusion'?")),
            ('[encode.text]\nmodle = "x"\nuse = "sentence-transformer"\n', ("encode.text.modle", "'model'")),
            ("[scenarios.home]\nk = 0\n", ("scenarios.home.k", "0")),
            ("[behaviour\n", ("not a TOML file",)),
        ],
        ids=lambda value: value.replace("\n", " ") if isinstance(value, str) else "",
    )
    def test_what_cannot_be_meant_is_refused_with_the_near_name(
        self, cli: Cli, tmp_path: Path, toml: str, parts: tuple[str, ...]
    ) -> None:
        refused(cli("check", "--shop", shop(tmp_path / "s", toml)), *parts)

    def test_there_is_none(self, cli: Cli, tmp_path: Path) -> None:
        refused(cli("check", "--shop", tmp_path), "no shop.toml", f"shelfwise init {tmp_path}")
        refused(cli("check", "--shop", tmp_path / "nowhere"), "no such folder", "shelfwise init")

    def test_init_overwrites_none(self, cli: Cli, tmp_path: Path) -> None:
        folder = shop(tmp_path / "s", "# mine\n")
        ran = cli("init", folder, "--items", folder / "items.csv", "--yes")
        refused(ran, "there is a shop.toml already", "draft in another folder")
        assert "# mine" in (folder / "shop.toml").read_text()

    def test_init_wants_a_file(self, cli: Cli, tmp_path: Path) -> None:
        refused(cli("init", tmp_path / "s"), "no file was named", "--items FILE")


class TestBeforeThereIsAModel:
    @pytest.mark.parametrize("arguments", [("recommend", "--user", "u1"), ("serve",)])
    def test_what_needs_one_says_train(self, cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
        ran = cli(*arguments, "--shop", shop(tmp_path / "s"))
        assert ran.code == 2
        assert "this shop has no model yet" in ran.err
        assert "run `shelfwise train`" in ran.err

    def test_train_without_items_says_ingest(self, cli: Cli, tmp_path: Path) -> None:
        refused(cli("train", "--shop", shop(tmp_path / "s")), "no items yet", "shelfwise ingest")

    def test_rollback_and_promote_say_what_there_is(self, cli: Cli, tmp_path: Path) -> None:
        folder = shop(tmp_path / "s")
        refused(cli("models", "rollback", "--shop", folder), "no earlier version", "shelfwise models list")
        refused(cli("models", "promote", "x", "--shop", folder), "there is no model version 'x'; known: none")


class TestRequests:
    @pytest.mark.parametrize("k", [0, -1, 501])
    def test_k_out_of_range(self, cli: Cli, trained_template: Path, tmp_path: Path, k: int) -> None:
        at = ("--shop", trained_template, "--k", k)
        refused(cli("recommend", *at), f"k is {k}", "a number from 1 to 500")
        refused(cli("evaluate", *at), f"k is {k}", "a number from 1 to 500")
        output = tmp_path / "lists.parquet"
        refused(cli("recommend", *at, "--all-users", "--output", output), f"k is {k}")
        assert not output.exists()

    def test_an_unknown_scenario(self, cli: Cli, trained_template: Path, tmp_path: Path) -> None:
        at = ("--shop", trained_template, "--scenario", "hme")
        parts = ("there is no scenario 'hme'; known: home, category, item, cart", "did you mean 'home'?")
        refused(cli("recommend", *at), *parts)
        refused(cli("recommend", *at, "--all-users", "--output", tmp_path / "lists.parquet"), *parts)

    def test_a_relation_that_does_not_exist(self, cli: Cli, trained_template: Path) -> None:
        at = ("--shop", trained_template, "--scenario", "item", "--item", "mug-red")
        refused(cli("recommend", *at, "--relation", "opposites"), "relation: 'opposites'", "'alternatives'")

    def test_what_a_place_needs_or_cannot_give(self, cli: Cli, trained_template: Path) -> None:
        at = ("--shop", trained_template, "--scenario")
        refused(cli("recommend", *at, "category"), "category: scenario 'category' needs category")
        refused(cli("recommend", *at, "cart", "--bundle"), "items: bundle is asked of no items")
        relation = ("--item", "mug-red", "--relation", "complements")
        refused(cli("recommend", *at, "home", *relation), "relation: scenario 'home' has no complements")

    def test_a_blank_user_is_no_user(self, cli: Cli, trained_template: Path) -> None:
        refused(cli("recommend", "--shop", trained_template, "--user", ""), "user_id", "at least 1 character")

    def test_too_many_context_items(self, cli: Cli, trained_template: Path) -> None:
        many = [part for n in range(101) for part in ("--item", f"x{n}")]
        refused(cli("recommend", "--shop", trained_template, *many), "items:", "at most 100")

    def test_all_users_wants_an_output(self, cli: Cli, trained_template: Path) -> None:
        refused(cli("recommend", "--shop", trained_template, "--all-users"), "--output FILE.parquet")

    def test_an_unknown_user_gets_what_a_stranger_sees(self, cli: Cli, trained_template: Path) -> None:
        at = ("--shop", trained_template, "--k", "5", "--json")
        stranger, nobody = cli("recommend", *at), cli("recommend", *at, "--user", "never seen")
        assert nobody.code == stranger.code == 0, nobody.err
        slates = [[(item["item_id"], item["reason"]) for item in ran.document["items"]] for ran in (nobody, stranger)]
        assert slates[0] == slates[1]
        assert len(slates[0]) == 5
        assert {why for _, why in slates[0]} <= {"Popular in this shop", "New in this shop"}

    def test_an_unknown_context_item_is_left_out_and_said(self, cli: Cli, trained_template: Path) -> None:
        ran = cli("recommend", "--shop", trained_template, "--item", "no-such-thing", "--json")
        assert ran.code == 0
        assert ran.document["degraded"] == ["the context item 'no-such-thing' is unknown and was left out"]


class TestJson:
    """One document on standard output and nothing else there, also where it went wrong."""

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (("recommend", "--scenario", "hme"), "unknown_scenario"),
            (("recommend", "--k", "0"), "bad_k"),
            (("recommend", "--k", "many"), "bad_usage"),
            (("evaluate", "--protocol", "guess"), "bad_usage"),
            (("models", "promote", "20200101"), "unknown_version"),
        ],
    )
    def test_of_an_error(self, cli: Cli, trained_template: Path, arguments: tuple[str, ...], code: str) -> None:
        ran = cli(*arguments, "--shop", trained_template, "--json")
        assert ran.code == 2
        error = ran.document["error"]
        assert set(error) == {"code", "found", "expected", "where", "hint"}
        assert error["code"] == code
        assert error["found"]
        assert ran.err

    @pytest.mark.parametrize("verb", ["check", "ingest", "encode", "doctor"])
    def test_of_a_verb_that_works(self, cli: Cli, trained: Path, verb: str) -> None:
        ran = cli(verb, "--shop", trained, "--json")
        assert ran.code == 0, ran.err
        assert ran.document

    def test_of_a_broken_configuration(self, cli: Cli, tmp_path: Path) -> None:
        ran = cli("check", "--shop", shop(tmp_path / "s", "[behaviour]\nhistroy = 3\n"), "--json")
        assert ran.code == 2
        assert ran.document["error"]["code"] == "unknown_key"
        assert ran.document["error"]["where"] == "behaviour.histroy"


class TestWhatIsDown:
    @pytest.mark.parametrize("verb", ["ingest", "train", "recommend", "evaluate"])
    def test_a_records_file_that_is_no_database(self, cli: Cli, tmp_path: Path, verb: str) -> None:
        folder = shop(tmp_path / "s")
        (folder / "shelfwise.db").write_bytes(b"this is no database, whatever its name says\n" * 100)
        ran = cli(verb, "--shop", folder, "--json")
        assert ran.code == 3, ran.err
        assert ran.document["error"]["code"] == "service_down"
        assert "cannot be opened as a database" in ran.document["error"]["found"]
        assert ran.document["error"]["hint"]

    def test_a_records_url_that_leads_nowhere(self, cli: Cli, tmp_path: Path) -> None:
        for url, part in (
            ("mysql://u@h/d", "expected 'sqlite:///shelfwise.db' or 'postgresql"),
            ("nonsense", "no database URL"),
        ):
            folder = shop(tmp_path / "s", f'[store]\nrecords = "{url}"\n')
            refused(cli("ingest", "--shop", folder), "store.records", part)

    def test_a_database_from_a_newer_release(self, cli: Cli, tmp_path: Path) -> None:
        import sqlite3

        folder = shop(tmp_path / "s")
        assert cli("ingest", "--shop", folder).code == 0
        connection = sqlite3.connect(folder / "shelfwise.db")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
        connection.close()
        ran = cli("ingest", "--shop", folder)
        refused(ran, "does not know the schema", "9999", "a newer release made it")


def test_the_console_script_itself(apart: Cli, tmp_path: Path) -> None:
    """The same by real processes: exit codes, and which text goes where."""
    folder = shop(tmp_path / "s")
    ran = apart("recommend", "--shop", folder, "--json")
    assert (ran.code, ran.document["error"]["code"]) == (2, "no_model")
    (folder / "shelfwise.db").write_bytes(b"no database" * 100)
    assert apart("ingest", "--shop", folder).code == 3
    ran = apart("recomend")
    assert ran.code == 2
    assert "recomend" in ran.err
