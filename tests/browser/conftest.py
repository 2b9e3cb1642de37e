"""One console in service and one browser for all tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shelfwise.testing.browsers import chromium
from shelfwise.testing.console import Console, console_of, live_a_little, watched_page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The browser; of a module, since its event loop runs until it is closed, and no other test could have one."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def console(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The tiny shop's console, open without a key; lists were shown and answered to. Tests leave it as they find it."""
    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("console") / "shop")
    with console_of(folder) as found:
        live_a_little(found.api)
        yield found


@pytest.fixture
def own_shop(tiny_shop_template: Path, tmp_path: Path) -> Path:
    """A copy of the tiny shop for a test that changes more than it can put back; see `console_of`."""
    return shutil.copytree(tiny_shop_template, tmp_path / "shop")


@pytest.fixture
def open_page(browser: Any, console: Console) -> Callable[..., Any]:
    """Opens a page of the shared console: `with open_page(language="zh", theme="dark", size=NARROW) as page`."""

    def opened(**options: Any) -> Any:
        return watched_page(browser, options.pop("url", console.url), **options)

    return opened


@pytest.fixture(scope="session")
def serious_findings() -> Callable[[Any], list[str]]:
    """What axe-core finds seriously or critically wrong with a page as it stands."""
    axe = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")

    def found(page: Any) -> list[str]:
        page.evaluate(axe)
        violations = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        serious = [one for one in violations if one["impact"] in ("serious", "critical")]
        return [f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}" for one in serious]

    return found


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Iterator[Any]:
    """A wide, light, English page."""
    with open_page() as found:
        yield found
