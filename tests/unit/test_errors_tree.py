"""Errors say what, where, and what to do, and keep it on their way between processes."""

from __future__ import annotations

import pickle

import pytest

from shelfwise import errors
from shelfwise.errors import ConfigError, InputError, ShelfwiseError, did_you_mean, near

KINDS = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ShelfwiseError)]


@pytest.mark.parametrize("kind", KINDS)
def test_codes_and_statuses_are_those_that_the_tree_declares(kind: type[ShelfwiseError]) -> None:
    declared = {
        "ShelfwiseError": (1, 500),
        "InputError": (2, 400),
        "ConfigError": (2, 400),
        "DataError": (2, 400),
        "QueryError": (2, 422),
        "UnknownError": (2, 404),
        "AccessError": (2, 401),
        "NotAllowedError": (2, 403),
        "StateError": (2, 409),
        "PreconditionError": (2, 412),
        "MissingExtraError": (2, 500),
        "ServiceError": (3, 503),
        "DataKeyError": (2, 503),
    }
    assert (kind.exit_code, kind.http_status) == declared[kind.__name__]
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.code


def test_codes_are_distinct() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_the_four_parts_stand_in_one_sentence_and_a_hint() -> None:
    error = ConfigError("k is 0", expected="a number from 1", where="scenarios.home.k", hint="leave it out")
    assert str(error) == "scenarios.home.k: k is 0; expected a number from 1\n  leave it out"
    assert str(ShelfwiseError("it broke")) == "it broke"
    assert error.as_document() == {
        "code": "bad_config",
        "found": "k is 0",
        "expected": "a number from 1",
        "where": "scenarios.home.k",
        "hint": "leave it out",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_between_processes(kind: type[ShelfwiseError]) -> None:
    error = kind("found", expected="expected", where="where", hint="hint", code="own")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.as_document() == error.as_document()
    assert str(again) == str(error)


def test_a_code_of_its_own_leaves_the_class_alone() -> None:
    assert InputError("x", code="other").code == "other"
    assert InputError.code == InputError("x").code == "bad_input"


def test_near_names() -> None:
    assert did_you_mean("populer", ["recent", "popular"]) == "did you mean 'popular'?"
    assert near("zzz", ["recent", "popular"]) is None
    assert did_you_mean("x", []) is None
