"""`shelfwise top`: what a running server does, as it does it."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from shelfwise.cli.output import JsonOption, answers, people, print_json
from shelfwise.cli.server_numbers import Doing, between, look

N_ROUTES = 12
N_DRIFTS = 3
USUAL_URL = "http://127.0.0.1:8080"


def command(
    url: Annotated[str, typer.Option(help="The server's address.")] = USUAL_URL,
    every_s: Annotated[float, typer.Option("--every", min=0.2, max=60, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, over `--every` seconds, and end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Watch a running server: requests, times, events, slates, what waits and which model answers.

    The environment's SHELFWISE_API_KEY is sent, where it is set; the scope `metrics` is enough.
    """
    key = os.environ.get("SHELFWISE_API_KEY") or None
    before = look(url, key)
    if once or as_json:
        time.sleep(every_s)
        doing = between(before, look(url, key))
        if as_json:
            print_json(_document(doing))
        else:
            answers.print(_shown(doing, url))
        return
    with Live(Text(f"looking at {url} …"), console=people, screen=people.is_terminal) as live:
        while True:
            time.sleep(every_s)
            after = look(url, key)
            live.update(_shown(between(before, after), url))
            before = after


def _document(doing: Doing) -> dict[str, object]:
    """As JSON has it: there is no NaN."""
    found = dataclasses.asdict(doing)
    for one in (found, *found["routes"]):
        for name, value in one.items():
            if isinstance(value, float) and math.isnan(value):
                one[name] = None
    return found


def _shown(doing: Doing, url: str) -> RenderableType:
    routes = Table("route", *_right("a second", "p50 ms", "p99 ms", "5xx"), box=None, pad_edge=False)
    for one in doing.routes[:N_ROUTES]:
        failed = Text(f"{one.failed:.1%}", style="red" if one.failed else "dim")
        routes.add_row(one.route, f"{one.per_s:,.1f}", _ms(one.p50_ms), _ms(one.p99_ms), failed)
    if not doing.routes:
        routes.add_row(Text("no request", style="dim"))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_row("model", ", ".join(f"{name} in {n}" for name, n in doing.models.items()) or "none in service")
    facts.add_row("slates a second", _rates(doing.slates_per_s))
    facts.add_row("degraded", Text(f"{doing.degraded:.1%}", style="yellow" if doing.degraded else ""))
    facts.add_row("answered from memory", f"{doing.kept:.1%}")
    facts.add_row("events a second", _rates(doing.events_per_s))
    facts.add_row("drift against training", _drift(doing.drift))
    facts.add_row("event loop late, p99", f"{_ms(doing.late_p99_ms)} ms")
    facts.add_row("waiting", ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in doing.waiting.items()))
    return Group(Text(f"{url}   {time.strftime('%H:%M:%S')}", style="bold"), Text(), facts, Text(), routes)


def _right(*names: str) -> list[Column]:
    return [Column(name, justify="right") for name in names]


def _drift(index_by_name: dict[str, float]) -> Text:
    """The furthest, as an index: from 0.1 on it has moved, from 0.25 on it is another shop."""
    from shelfwise.metrics import CHANGED_FROM, MOVED_FROM

    if not index_by_name:
        return Text("too little to tell, or a version that cannot", style="dim")
    furthest = sorted(index_by_name.items(), key=lambda one: -one[1])[:N_DRIFTS]
    told = ", ".join(f"{name} {index:.2f}" for name, index in furthest)
    worst = furthest[0][1]
    return Text(told, style="" if worst < MOVED_FROM else "yellow" if worst < CHANGED_FROM else "red")


def _ms(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.1f}"


def _rates(by_name: dict[str, float]) -> str:
    told = [f"{name} {rate:,.1f}" for name, rate in sorted(by_name.items(), key=lambda one: -one[1]) if rate]
    return ", ".join(told) or "0"
