"""The documentation says what the code does."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_reference_page_is_what_the_code_makes() -> None:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == build.configuration(), "run `python docs/build.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readme_names_every_make_target_that_it_uses() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    used = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert used <= targets
    assert {"help", "setup", "demo", "test", "check", "fmt", "bench", "services", "clean"} <= targets


def test_the_guide_names_every_verb() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    for verb in ("init", "ingest", "tune", "train", "evaluate", "recommend", "serve", "models", "doctor"):
        assert f"shelfwise {verb}" in guide
