"""What the name of a user's attribute says about it: whether it tells of a taste, or names a person."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TELLS_TASTE = _words(
    "about bio biography profile interest interests hobby hobbies preference preferences likes taste tastes style "
    "favourite favourites favorite favorites wishes"
)
"""Words of columns in which people say what they like."""

_NAMES_A_PERSON = _words(
    "name names firstname lastname surname forename fullname username nickname displayname screenname initials "
    "salutation person contact email emails mail emailaddress phone phones phonenumber telephone tel mobile cell fax "
    "whatsapp telegram address addresses street city town zip zipcode postcode postal iban bic card password passwort "
    "token cookie ip ipaddress id ids uuid guid userid customerid clientid memberid accountid device dob birth "
    "birthday birthdate ssn passport licence license latitude longitude lat lon lng url link website login hash "
    "vorname nachname familienname telefon handy adresse strasse nom prenom courriel adr nombre apellido correo "
    "telefono direccion"
)
"""Words of columns that identify somebody or say how to reach him; of a shop's usual languages."""

_QUALIFIES = _words(
    "first last middle full given family maiden display screen user customer client member shopper buyer account "
    "company business contact home work private mobile cell primary secondary main billing shipping delivery e number "
    "no nr line code de of the date external internal crm loyalty profile about"
)
"""Words that leave what they stand beside what it is: a `billing_address` is an address."""

_SENSITIVE = _words(
    "religion religious faith ethnicity ethnic race racial health medical illness disability diagnosis pregnancy "
    "pregnant sexuality sexual orientation politics political party union biometric genetic"
)
"""Words of columns of the special categories of article 9 of the GDPR."""


def words_of(name: str) -> list[str]:
    """The words of a column's name, in small letters.

    Examples:
        >>> words_of("customerEMail_address2")
        ['customer', 'e', 'mail', 'address']
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.findall(r"[^\W\d_]+", parted.lower())


def names_a_person(name: str) -> bool:
    """Whether a column of this name holds what identifies somebody: an id, a name, an address.

    Examples:
        >>> [names_a_person(name) for name in ("email", "last_name", "userId", "favourite_brand_name", "interests")]
        [True, True, True, False, False]
    """
    words = words_of(name)
    return any(word in _NAMES_A_PERSON for word in words) and all(
        word in _NAMES_A_PERSON or word in _QUALIFIES for word in words
    )


def is_sensitive(name: str) -> bool:
    """Whether a column of this name holds what the law protects in particular: belief, health, …."""
    return any(word in _SENSITIVE for word in words_of(name))


def tells_taste(name: str) -> bool:
    """Whether a column of this name is where people say what they like."""
    return any(word in TELLS_TASTE for word in words_of(name)) and not names_a_person(name)
