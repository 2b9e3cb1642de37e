"""Erasures that something comes in between: a training that runs across them, a process that dies."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.encode.profile import profile_hash
from shelfwise.encode.profile_vectors import ProfileVectors
from shelfwise.errors import ServiceError
from shelfwise.pipeline.erasure import Eraser
from shelfwise.store import audit_log, people, personal, unfinished_erasures
from shelfwise.store.versions import Version
from shelfwise.train import publish
from shelfwise.train.data import load
from shelfwise.train.erased_meanwhile import ErasedMeanwhile

pytestmark = pytest.mark.online

N_USERS = 40
FORMS = [("about",)]
ACROSS, BETWEEN, KILLED, HELD, KEPT = "user-3", "user-9", "user-15", "user-21", "user-27"
CHANGED, SAME = "user-33", "user-34"


def about(user: str) -> str:
    return f"likes thing number {user.removeprefix('user-')} best"


@dataclass
class Trained:
    """A shop whose model was trained while one person was erased."""

    folder: Path
    version: Version
    rows: dict[str, int]
    receipt: str

    def knows(self, user: str) -> tuple[bool, bool, bool]:
        """Whether the version has a vector of what somebody said, and what they had; and the cache a vector."""
        in_version, in_cache = self.reads(about(user))
        return in_version, self._has_lists(self.rows[user]), in_cache

    def reads(self, said: str) -> tuple[bool, bool]:
        """Whether the version, and the cache, have a vector of a text."""
        profiles = ProfileVectors.load(self.version.folder / "users")
        with Shop.open(self.folder) as shop, shop.records.read() as connection:
            query = "SELECT count(*) FROM vectors WHERE content_hash = ?"
            text = profiles.write({"about": said})
            n_cached = connection.exec_driver_sql(query, (profile_hash(text),)).scalar_one()
        return profiles.of_text(text) is not None, bool(n_cached)

    def _has_lists(self, row: int) -> bool:
        lists = self.version.folder / "retrieve" / "similar_users"
        starts, weights = (np.load(lists / "latest" / f"{name}.npy") for name in ("starts", "weights"))
        rows, of_items = (np.load(lists / "histories" / f"{name}.npy") for name in ("rows", "weights"))
        return bool(weights[starts[row] : starts[row + 1]].any() or of_items[rows == row].any())


@pytest.fixture(scope="module")
def trained(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("erased") / "shop")
    fit, receipts = publish.fit, list[str]()
    with Shop.open(folder) as shop, pytest.MonkeyPatch.context() as patched:

        def fitted_across_an_erasure(*arguments: Any, **options: Any) -> Any:
            with Shop.open(folder) as elsewhere:
                receipts.append(elsewhere.erase_user(ACROSS).receipt)
            return fit(*arguments, **options)

        with shop.records.write() as connection:
            people.upsert(connection, [(f"user-{n}", {"about": about(f"user-{n}")}) for n in range(N_USERS)])
            rows = {f"user-{n}": personal.row_of(connection, f"user-{n}") or 0 for n in range(N_USERS)}
        patched.setattr(publish, "fit", fitted_across_an_erasure)
        version = shop.train()
    return Trained(folder, version, rows, receipts[0])


def test_who_is_erased_while_a_model_learns_is_not_in_it(trained: Trained) -> None:
    assert trained.knows(ACROSS) == (False, False, False)
    assert trained.knows(KEPT) == (True, True, True)
    assert trained.version.manifest["erased_meanwhile"] == [trained.receipt]
    with Shop.open(trained.folder) as shop, shop.records.read() as connection:
        done = [(one.action, one.subject, one.detail.get("version")) for one in audit_log.read(connection, 2)]
    assert done[0] == ("user.erase-from-model", trained.receipt, trained.version.name)
    assert done[1][:2] == ("user.erase", trained.receipt)


def erased_from_records(folder: Path, user: str) -> None:
    """As a process leaves it that is killed when an erasure is committed."""
    with Shop.open(folder) as shop, shop.records.write() as connection:
        Eraser(shop.records, shop.config, shop.folder).erase_rows(connection, user, "somebody", FORMS)


def left_to_do(folder: Path) -> int:
    with Shop.open(folder) as shop, shop.records.read() as connection:
        return len(unfinished_erasures.read_all(connection))


def test_who_is_erased_between_the_last_look_and_the_publication_is_taken_out_after_it(trained: Trained) -> None:
    with Shop.open(trained.folder) as shop:
        vectors = trained.folder / shop.config.store.vectors
        loaded = load(shop.config, shop.records, vectors, None)
        erased_from_records(trained.folder, BETWEEN)
        assert trained.knows(BETWEEN) == (True, True, True)
        ErasedMeanwhile(shop.records, vectors, shop.versions, loaded).settle(trained.version)
    assert trained.knows(BETWEEN) == (False, False, False)


def test_a_server_goes_on_with_an_erasure_that_was_interrupted(trained: Trained, serve: Any) -> None:
    erased_from_records(trained.folder, KILLED)
    assert trained.knows(KILLED) == (True, True, True) and left_to_do(trained.folder)
    with serve(trained.folder) as server:
        until = time.monotonic() + 20
        while left_to_do(trained.folder):
            assert time.monotonic() < until, server.log()
            time.sleep(0.05)
    assert trained.knows(KILLED) == (False, False, False)
    assert trained.knows(KEPT) == (True, True, True)


def test_an_erasure_that_the_store_held_up_is_finished_with_the_next(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: Any, **__: Any) -> bool:
        raise ServiceError("others are reading", code="log_not_emptied")

    with Shop.open(trained.folder) as shop:
        with monkeypatch.context() as patched:
            patched.setattr("shelfwise.pipeline.erasure.scrub", held)
            with pytest.raises(ServiceError):
                shop.erase_user(HELD)
        assert left_to_do(trained.folder) == 1
        assert shop.erase_user(HELD).rebuilt  # asked again, by the same id
    assert left_to_do(trained.folder) == 0
    assert trained.knows(HELD) == (False, False, False)
    assert trained.knows(KEPT) == (True, True, True)
    manifest = json.loads((trained.version.folder / "manifest.json").read_text())
    assert "likes thing" not in json.dumps(manifest)


def test_what_somebody_said_before_they_said_something_else_is_erased_with_them(trained: Trained) -> None:
    """What a version learned, what only the cache was told, what is said now; what others say stays."""
    first, second, third = about(CHANGED), "likes what is only read once", "likes nothing any more"
    with Shop.open(trained.folder) as shop:
        for said in (second, third):
            with shop.records.write() as connection:
                people.upsert(connection, [(CHANGED, {"about": said})])
            shop.encode()
        assert [trained.reads(said) for said in (first, second, third)] == [(True, True), (False, True), (False, True)]
        receipt = shop.erase_user(CHANGED)
        assert receipt.n_vectors >= 4
        for said in (first, second, third):
            assert trained.reads(said) == (False, False)
        for one in (SAME, KEPT):
            assert trained.knows(one) == (True, True, True)
        [file] = trained.folder.glob("vectors/*/profiles/vectors.f16")
        kept = np.fromfile(file, np.float16).reshape(-1, 32)
        with shop.records.read() as connection:
            n_said = len(people.read_attributes(connection))
        assert kept.any(axis=1).sum() == n_said  # and no bytes of what is said no more
        assert shop.encode().n_profiles_encoded == 0
