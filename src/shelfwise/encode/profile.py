"""A user's attributes written as one text for a language model, without anything that says who it is.

The text is only ever encoded: it is data, whatever it says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from shelfwise.schemas.attribute_names import is_sensitive, names_a_person, tells_taste, words_of

PROFILE_VERSION = 1
"""Part of every content hash: a change of the profile's form encodes everything anew."""

MAX_CHARS = 2_000
"""Of a profile; some four times of what the usual encoder reads."""

_LOOKED_AT_CHARS = 8_000
"""Of one value, before it is cleaned: nobody's megabyte holds up the others."""

SAMPLE = 1_000
"""Values of an attribute that are looked at to tell whether it holds words."""

MOSTLY = 0.9
"""Share of the values that must be words."""

_MIN_TO_KNOW_NAMES = 20

_ADDRESS = re.compile(r"@|://|^[(<\"']*www\.", re.IGNORECASE)
_LONG_NUMBERS = re.compile(r"\+?\(?\d[\d\s()./-]{5,}\d")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_CODE = re.compile(r"[\w.:-]*\d[\w.:-]*")
_CAPITALISED = re.compile(r"[^\W\d_a-z][^\W\d_]*(?:[ '-][^\W\d_a-z][^\W\d_]*\.?){1,3}")


def profile(attributes: Mapping[str, str], speaking: Sequence[str]) -> str:
    """What a user's attributes say, in the order of `speaking`; empty where they say nothing.

    Where people say what they like, their words stand alone; other values stand behind their attribute's name.
    E-mail addresses, links and long numbers are cut out wherever they stand.

    Args:
        attributes: By name, as the shop wrote them.
        speaking: Names of those that are read.

    Returns:
        At most `MAX_CHARS` characters on one line.

    Examples:
        >>> profile({"about": "I like gardening (jo@x.org)", "loyalty_tier": "gold"}, ["about", "loyalty_tier"])
        'I like gardening. loyalty tier: gold'
    """
    return _joined(_said(name, attributes.get(name, "")) for name in speaking)


def profiles(attributes: Mapping[str, str], ways: Sequence[Sequence[str]]) -> list[str]:
    """The same once for each of several choices of attributes, in their order.

    Cost:
        Little more than one `profile`: a value is cleaned once.
    """
    said = {name: _said(name, attributes[name]) for name in {*chain(*ways)} & attributes.keys()}
    return [_joined(said.get(name, "") for name in way) for way in ways]


def cleaned(value: str) -> str:
    """A value on one line, without control characters, addresses, links and long numbers; `""` where none is left."""
    parts = _CONTROL.sub(" ", value[:_LOOKED_AT_CHARS]).split()
    text = " ".join(part for part in parts if not _ADDRESS.search(part))
    text = " ".join(_LONG_NUMBERS.sub(" ", text).split()).strip(" ,;:-")
    return text if any(character.isalnum() for character in text) else ""


def speaking_attributes(users: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The attributes whose values are words, decided for the shop as a whole.

    Never those that identify a person or that the law protects in particular, by their names; nor those whose values
    are ids, numbers, dates, addresses, or look like people's names.

    Args:
        users: Attributes of each user.

    Returns:
        Those in which people say what they like first, each kind in the order of the alphabet.
    """
    values: dict[str, list[str]] = {}
    for attributes in users:
        for name, value in attributes.items():
            found = values.setdefault(name, [])
            if len(found) < SAMPLE and value.strip():
                found.append(value[:_LOOKED_AT_CHARS])
    speaks = [
        name
        for name, found in values.items()
        if found
        and not names_a_person(name)
        and not is_sensitive(name)
        and (_are_words(found) if tells_taste(name) else _are_words(found) and not _look_like_names(found))
    ]
    return tuple(sorted(speaks, key=lambda name: (not tells_taste(name), name)))


def profile_hash(text: str) -> bytes:
    """What a profile's vector is kept under: 128 bits over the text and its form's version."""
    return hashlib.blake2b(f"profile {PROFILE_VERSION}\x1f{text}".encode(), digest_size=16).digest()


def _said(name: str, value: str) -> str:
    """What one attribute contributes."""
    text = cleaned(value)
    if text and not tells_taste(name):
        text = f"{' '.join(words_of(name)) or name}: {text}"
    return text.rstrip(".")


def _joined(parts: Iterable[str]) -> str:
    return _cut(". ".join(part for part in parts if part), MAX_CHARS)


def _are_words(values: Sequence[str]) -> bool:
    return sum(map(_is_words, values)) >= MOSTLY * len(values)


def _is_words(value: str) -> bool:
    """Whether most of a value's parts are words: no address, number, date, code or truth."""
    parts = cleaned(value).split()
    if not parts or (len(parts) == 1 and parts[0].lower() in {"true", "false", "yes", "no", "null", "none"}):
        return False
    n_words = sum(bool(_WORD.search(part)) and not _CODE.fullmatch(part.strip(",.;!?()")) for part in parts)
    return 2 * n_words >= len(parts)


def _look_like_names(values: Sequence[str]) -> bool:
    """Whether nearly every user has a value of his own of two to four capitalised words."""
    if len(values) < _MIN_TO_KNOW_NAMES or len(set(values)) < MOSTLY * len(values):
        return False
    return sum(bool(_CAPITALISED.fullmatch(value.strip())) for value in values) >= MOSTLY * len(values)


def _cut(text: str, n_chars: int) -> str:
    """The first `n_chars` characters at most, cut between words where there are any."""
    return text if len(text) <= n_chars else text[: n_chars + 1].rpartition(" ")[0][:n_chars] or text[:n_chars]
