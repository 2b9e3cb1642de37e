"""What pages are made of is complete: templates, scripts, texts in both languages, and files taken from elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shelfwise.console import languages
from shelfwise.console.headers import CONTENT_SECURITY_POLICY
from shelfwise.console.languages import LANGUAGES
from shelfwise.console.pages import PAGES
from shelfwise.console.parts import FOLDERS
from shelfwise.console.static_files import StaticFiles

ROOT = Path(__file__).parents[2]
CONSOLE = FOLDERS[""]

TEXT_FILES = [
    (f"{beginning}/" if beginning else "") + path.stem
    for beginning, folder in FOLDERS.items()
    for path in sorted((folder / "texts").glob("*.toml"))
]
USED_IN_TEMPLATE = re.compile(r"""\bt\(\s*(["'])([\w.-]+)\1""")
USED_IN_SCRIPT = re.compile(r"""\b(text|countedText)\(\s*(["'`])([\w.-]+)(\2|\$\{)""")
INLINE = re.compile(
    r"""<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\b(?:src=|type="application/json"))""", re.IGNORECASE
)


def used() -> Iterator[tuple[Path, str, str, bool]]:
    """Every use of a text: file, its name among texts, key, and whether only the key's beginning stands there."""
    for beginning, folder in FOLDERS.items():
        for kind, pattern in (("templates", "*.html"), ("static", "*.js")):
            for path in sorted((folder / kind).glob(pattern)):
                content = path.read_text(encoding="utf-8")
                name = (f"{beginning}/" if beginning else "") + path.stem
                if kind == "templates":
                    for found in USED_IN_TEMPLATE.finditer(content):
                        yield path, name, found[2], found[2].endswith(".")
                for found in USED_IN_SCRIPT.finditer(content):
                    is_beginning = found[4] == "${" or found[1] == "countedText"
                    yield path, name, found[3], is_beginning


def known_to(name: str, kind: str) -> set[str]:
    """Texts that a file may use: the shared ones, and those of its page, as `rules-editor.js` is of the page `rules`.

    What is of no page stands in all of them: a template may use what every page has, a script what any has.
    """
    shared = set(languages.read(languages.SHARED))
    own = [one for one in TEXT_FILES if name == one or name.startswith(f"{one}-")]
    if own or kind == ".js":
        return shared.union(*(languages.read(one) for one in own or TEXT_FILES))
    return shared | set.intersection(*(set(languages.read(page.name)) for page in PAGES))


@pytest.mark.parametrize("name", TEXT_FILES)
def test_every_text_is_there_in_both_languages(name: str) -> None:
    for key, of_language in languages.read(name).items():
        assert set(of_language) == set(LANGUAGES), key
        assert all(text.strip() for text in of_language.values()), key
        fields = {language: set(re.findall(r"\{(\w+)\}", text)) for language, text in of_language.items()}
        assert fields["en"] == fields["zh"], key


def test_templates_and_scripts_use_texts_that_are_there() -> None:
    missing: list[str] = []
    n_used = 0
    for path, name, key, is_beginning in used():
        n_used += 1
        known = known_to(name, path.suffix)
        if not (any(one.startswith(key) for one in known) if is_beginning else key in known):
            missing.append(f"{path.name}: {key}")
    assert not missing
    assert n_used > 30


def test_every_page_has_its_files() -> None:
    files = StaticFiles.of_package()
    for page in PAGES:
        assert (CONSOLE / "templates" / page.template).is_file()
        assert page.name in TEXT_FILES and {"title", "about"} <= set(languages.read(page.name))
        assert f"{page.name}.js" in files


@pytest.mark.parametrize(
    "path",
    sorted(path for folder in FOLDERS.values() for path in (folder / "templates").rglob("*.html")),
    ids=lambda path: path.name,
)
def test_templates_hold_no_script_or_style_of_their_own(path: Path) -> None:
    content = path.read_text(encoding="utf-8")
    assert not INLINE.search(content)
    assert "| safe" not in content or path.name == "icons.html"


def test_scripts_write_no_markup() -> None:
    for folder in FOLDERS.values():
        for path in (folder / "static").glob("*.js"):
            content = path.read_text(encoding="utf-8")
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", content
            ), path


@pytest.mark.parametrize(
    "folder", [CONSOLE / "static" / "vendor", ROOT / "tests" / "browser" / "vendor"], ids=["console", "tests"]
)
def test_files_taken_from_elsewhere_are_as_they_were_fetched(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    known = {name: digest for digest, name in (line.split("  ") for line in lines)}
    for path in folder.iterdir():
        if path.name not in ("SHA256SUMS", "README.md"):
            assert known.pop(path.name) == hashlib.sha256(path.read_bytes()).hexdigest(), path.name
    assert not known
    assert any(name.startswith("LICENSE") for name in (path.name for path in folder.iterdir()))


def test_one_address_changes_with_any_file() -> None:
    one = StaticFiles({"a.js": b"1", "b.css": b"2"})
    assert one.version == StaticFiles({"b.css": b"2", "a.js": b"1"}).version
    assert one.version != StaticFiles({"a.js": b"1", "b.css": b"3"}).version
    assert one.version != StaticFiles({"a.js": b"1", "c.css": b"2"}).version
    assert one.address("a.js") == f"/console/static/{one.version}/a.js"
    with pytest.raises(KeyError, match=r"no static file is called 'c\.js'"):
        one.address("c.js")


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY and "http" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self';")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-TW,zh;q=0.9", "zh"),
        ("en;q=0.4, zh;q=0.5", "zh"),
        ("de", "en"),
        ("zh;q=x, en", "en"),
        (";;,,q=", "en"),
    ],
)
def test_the_language_that_a_browser_prefers(accepted: str, language: str) -> None:
    assert languages.preferred(accepted) == language
