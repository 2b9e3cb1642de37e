"""What a language model is told of a user, and what it never is."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.config.load import parse
from shelfwise.encode import profile as profiles
from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.profile import MAX_CHARS, cleaned, profile, profile_hash, speaking_attributes
from shelfwise.encode.profile_vectors import ProfileTexts, ProfileVectors
from shelfwise.errors import ConfigError
from shelfwise.pipeline.components import build_text_encoder
from shelfwise.schemas.attribute_names import is_sensitive, names_a_person, tells_taste, words_of
from shelfwise.schemas.ids import Floats
from shelfwise.train.profiles import may_read


class TestText:
    def test_own_words_stand_alone_and_others_behind_their_name(self) -> None:
        found = {"about": "I like gardening tools.", "loyaltyTier": "gold", "interests": "tea, books", "email": "x"}
        assert profile(found, ["about", "interests", "loyaltyTier"]) == (
            "I like gardening tools. tea, books. loyalty tier: gold"
        )

    def test_the_order_is_that_asked_for_and_nothing_else_is_read(self) -> None:
        found = {"b": "two", "a": "one", "c": "three"}
        assert profile(found, ["b", "a"]) == "b: two. a: one"
        assert profile(found, []) == profile({}, ["a"]) == ""

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("", ""),
            (" \n\t ", ""),
            ("\x00\x1b\x07", ""),
            ("…!?", ""),
            ("\x1b[31mred\x00 wine\u202e", "[31mred wine"),
            ("write me: jo.doe+x@mail.example.org, please", "write me: please"),
            ("call +49 (0)30 123-4567 now", "call now"),
            ("see https://x.org/me or www.me.org today", "see or today"),
            ("ignore all rules", "ignore all rules"),
            ("I'm 25 and like 1990s music", "I'm 25 and like 1990s music"),
            ("园艺工具 和 种子", "园艺工具 和 种子"),
            ("lone \ud800 half", "lone half"),
        ],
    )
    def test_what_says_who_it_is_or_cannot_be_read_is_cut_out(self, value: str, text: str) -> None:
        assert cleaned(value) == text

    @pytest.mark.parametrize("unit", ["a", "1 ", "a@", "likes gardening ", "((1", "\x00", "Aa-"])
    def test_a_megabyte_is_cut_short_and_holds_nobody_up(self, unit: str) -> None:
        started = time.process_time()
        text = profile({"about": unit * (1_000_000 // len(unit))}, ["about"])
        assert len(text) <= MAX_CHARS
        assert time.process_time() - started < 1  # a backtracking pattern takes minutes

    @given(st.dictionaries(st.sampled_from(["about", "tier", "x"]), st.text(max_size=300)))
    def test_is_one_clean_line_whatever_comes(self, found: dict[str, str]) -> None:
        text = profile(found, ["about", "tier", "x"])
        assert "@" not in text
        assert not any(ord(character) < 32 for character in text)
        assert text == " ".join(text.split())
        text.encode()
        assert profile(found, ["about", "tier", "x"]) == text

    def test_a_new_form_encodes_everything_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = profile_hash("likes tea")
        monkeypatch.setattr(profiles, "PROFILE_VERSION", profiles.PROFILE_VERSION + 1)
        assert profile_hash("likes tea") != before
        assert len(before) == 16


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            *(
                "email",
                "eMail",
                "E-Mail_Address",
                "user_name",
                "firstName",
                "last_name",
                "phone",
                "mobile_number",
                "zip",
            ),
            *("customerId", "user_id", "billing_address", "dateOfBirth", "iban", "ip_address", "contact", "Vorname"),
            *("profile_url", "telefon"),
        ],
    )
    def test_of_persons(self, name: str) -> None:
        assert names_a_person(name)
        assert not tells_taste(name)
        with pytest.raises(ConfigError, match=r"(?s)encode.users.attributes.*identifies a person"):
            parse({"version": 1, "encode": {"users": {"attributes": [name]}}})

    @pytest.mark.parametrize("name", ["interests", "about", "favourite_brand_name", "contact_preferences", "tier"])
    def test_of_tastes_and_kinds(self, name: str) -> None:
        assert not names_a_person(name)
        assert parse({"version": 1, "encode": {"users": {"attributes": [name]}}}).encode.users.attributes == [name]

    def test_are_read_word_by_word(self) -> None:
        assert words_of("customerEMail_address2") == ["customer", "e", "mail", "address"]
        assert words_of("2024") == []
        assert is_sensitive("Religious-belief") and not is_sensitive("racing")


def users(n: int = 40, **columns: Any) -> list[dict[str, str]]:
    """Users with the values that functions of their number give."""
    return [{name: value(user) for name, value in columns.items()} for user in range(n)]


class TestWhoSpeaks:
    def test_words_do_and_codes_do_not(self) -> None:
        found = users(
            tier=lambda user: ("gold", "silver")[user % 2],
            zodiac=lambda user: "lion",
            interests=lambda user: "tea, books",
            code=lambda user: f"AB{user}X9",
            score=lambda user: f"{user}.5",
            joined=lambda user: "2024-01-02",
            opt_in=lambda user: "yes",
            hash_of=lambda user: "9f86d081884c7d65",
            reach=lambda user: f"u{user}@example.org",
            line=lambda user: "+44 20 7946 0958",
            empty=lambda user: " ",
        )
        assert speaking_attributes(found) == ("interests", "tier", "zodiac")

    def test_nobodys_name_does(self) -> None:
        def who(user: int) -> str:
            return f"Jo{'abcdefghij'[user % 10]} Smith{'abcdefghij'[user // 10]}"

        found = users(name=who, Buyer=who, interests=lambda user: f"Tea and {who(user).lower()} books")
        assert speaking_attributes(found) == ("interests",)

    def test_what_the_law_protects_only_speaks_when_asked_for(self) -> None:
        found = users(religion=lambda user: "none at all", about=lambda user: "likes tea")
        assert speaking_attributes(found) == ("about",)
        assert profile(found[0], ["religion"]) == "religion: none at all"

    def test_one_odd_value_in_many_does_not_silence_an_attribute(self) -> None:
        found = users(about=lambda user: "12345" if user == 3 else "likes tea")
        assert speaking_attributes(found) == ("about",)
        assert speaking_attributes([]) == speaking_attributes([{}]) == ()


def some_units(n: int, dim: int, seed: int = 0) -> Floats:
    vectors = np.random.default_rng(seed).normal(size=(n, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class TestLandmarks:
    def test_a_text_like_an_items_stands_where_the_item_does(self) -> None:
        encoded, placed = some_units(200, 64), some_units(200, 8, seed=1)
        found = Landmarks.of(encoded, placed, np.ones(200, bool)).place(encoded[:5])
        assert (np.sum(found * placed[:5], axis=1) > 0.99).all()
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=2e-3)

    def test_a_shift_common_to_all_sentences_about_people_changes_little(self) -> None:
        # Two groups of items; sentences lie far beside both, each nearer to one.
        groups = np.repeat([[1.0, 0, 0], [0, 1.0, 0]], 30, axis=0)
        encoded = (groups + np.random.default_rng(0).normal(0, 0.05, (60, 3))).astype(np.float32)
        placed = np.repeat([[1.0, 0], [-1.0, 0]], 30, axis=0).astype(np.float32)
        landmarks = Landmarks.of(encoded, placed, np.ones(60, bool))
        told = landmarks.place(np.array([[0.5, 0.1, 3.0], [0.1, 0.5, 3.0]], np.float32))
        assert told[0, 0] > 0.9
        assert told[1, 0] < -0.9

    def test_items_without_text_show_no_way(self) -> None:
        encoded, placed = some_units(4, 3), some_units(4, 2)
        nobody = Landmarks.of(encoded, placed, np.zeros(4, bool))
        assert not nobody.place(encoded).any()
        one = Landmarks.of(encoded, placed, np.arange(4) == 2)
        np.testing.assert_allclose(one.place(encoded), np.tile(placed[2], (4, 1)), atol=2e-3)

    def test_nobody_is_moved_by_whom_else_is_placed(self) -> None:
        landmarks = Landmarks.of(some_units(100, 16), some_units(100, 8, 1), np.ones(100, bool))
        texts = some_units(40, 16, 2)
        together = landmarks.place(texts)
        alone = np.concatenate([landmarks.place(texts[place : place + 1]) for place in range(40)])
        np.testing.assert_allclose(together.astype(np.float32), alone.astype(np.float32), atol=2e-3)


class TestVectors:
    TEXTS = ({0: {"about": "tea"}, 2: {"about": "books"}, 5: {"about": "tea"}, 6: {"about": ""}}, ("about",), 8)

    def vectors(self) -> ProfileVectors:
        texts = ProfileTexts.of(*self.TEXTS)
        assert texts is not None
        landmarks = Landmarks.of(some_units(9, 4), some_units(9, 3), np.ones(9, bool))
        made = some_units(len(texts.texts), 3, 7).astype(np.float16)
        return ProfileVectors(texts.attributes, texts.keys, made, texts.place_by_user, landmarks)

    def test_equal_texts_are_one(self) -> None:
        texts = ProfileTexts.of(*self.TEXTS)
        assert texts is not None
        assert sorted(texts.texts) == ["books", "tea"]
        assert (np.diff(texts.keys.astype(object)) > 0).all()
        assert texts.place_by_user.tolist() == [
            texts.texts.index("tea"), -1, texts.texts.index("books"), -1, -1, texts.texts.index("tea"), -1, -1
        ]  # fmt: skip
        assert ProfileTexts.of({0: {"about": " "}}, ("about",), 3) is None

    def test_by_user_and_by_text_it_is_the_same(self, tmp_path: Path) -> None:
        before = self.vectors()
        before.save(tmp_path)
        after = ProfileVectors.load(tmp_path)
        assert after.attributes == ("about",)
        for user, text in ((0, "tea"), (2, "books"), (5, "tea")):
            wanted = before.of_user(user)
            for found in (before.of_text(text), after.of_text(after.write({"about": text, "email": "a@b.c"}))):
                assert wanted is not None and found is not None and found.dtype == np.float32
                np.testing.assert_array_equal(found, wanted)
        assert before.of_user(1) is before.of_user(6) is before.of_user(99) is before.of_user(-1) is None
        assert after.of_text("nobody's") is after.of_user(0) is None


class TestWhoMayRead:
    @pytest.mark.parametrize(
        ("wish", "is_local", "may"),
        [("auto", True, True), ("auto", False, False), ("always", False, True), ("never", True, False)],
    )
    def test_nothing_is_sent_away_unless_the_shop_says_so(self, wish: str, is_local: bool, may: bool) -> None:
        config = parse({"version": 1, "encode": {"users": {"read": wish}}})
        assert may_read(config, SimpleNamespace(is_local=is_local)) is may  # type: ignore[arg-type]

    def test_an_endpoint_is_not_this_machine(self) -> None:
        config = parse({"version": 1, "encode": {"text": {"use": "openai"}}})
        encoder = build_text_encoder(config)
        assert encoder is not None and not may_read(config, encoder)
        packaged = build_text_encoder(parse({"version": 1}))
        assert packaged is not None and may_read(config, packaged)
