"""`shelfwise encode`: turn item texts and pictures, and users' profiles, into vectors."""

from __future__ import annotations

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json, steps
from shelfwise.cli.pictures import show_pictures


def command(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Encode the items whose text or picture changed; `train` does it too."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        outcome = opened.encode(show)
    if as_json:
        pictures = {} if outcome.pictures is None else {"pictures": outcome.pictures.as_document()}
        profiles = {"profiles": outcome.n_profiles, "profiles_encoded": outcome.n_profiles_encoded}
        said = profiles if outcome.n_profiles else {}
        print_json({"items": outcome.n_items, "encoded": outcome.n_encoded, **said, **pictures})
    else:
        people.print(f"{outcome.n_items:,} items, {outcome.n_encoded:,} texts encoded")
        if outcome.n_profiles:
            people.print(f"{outcome.n_profiles:,} different profiles of users, {outcome.n_profiles_encoded:,} encoded")
        if outcome.pictures is not None:
            show_pictures(outcome.pictures.as_document())
