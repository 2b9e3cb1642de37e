"""What makes two events the same event."""

from __future__ import annotations

from shelfwise.store.event_keys import CONTENT_COLUMNS, event_key


def test_the_clients_id_decides_alone() -> None:
    assert event_key("e1", ("u", "i")) == event_key("e1", ("v", "j"))
    assert event_key("e1", ()) != event_key("e2", ())


def test_without_an_id_the_whole_content_decides() -> None:
    content: list[object] = [f"v{n}" for n in range(len(CONTENT_COLUMNS))]
    keys = {event_key(None, content)}
    for place in range(len(content)):
        keys.add(event_key(None, [*content[:place], None, *content[place + 1 :]]))
    assert len(keys) == len(content) + 1


def test_neighbouring_fields_do_not_run_together() -> None:
    assert event_key(None, ("ab", "c")) != event_key(None, ("a", "bc"))
    assert event_key("x", ()) != event_key(None, ("x",))


def test_keys_are_stable_over_releases() -> None:
    assert event_key("order-1", ()).hex() == "7d4df68962303e0520f5191d984f4ba9"
    assert event_key(None, ("u", "i", 6, 1_700_000_000_000, None, 1.0)).hex() == "714a908a123bc637a5bd709515fff9e2"
