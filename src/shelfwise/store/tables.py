"""The tables of the records store, as SQLAlchemy Core metadata.

`migrations/` brings an existing database to this state; a test holds both against each other.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("user_id", Text, nullable=False, unique=True),
    Column("attributes", Text, nullable=False, server_default="{}"),
)

items = Table(
    "items",
    metadata,
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("item_id", Text, nullable=False, unique=True),
    Column("title", Text),
    Column("description", Text),
    Column("category", Text),
    Column("brand", Text),
    Column("price", Float),
    Column("currency", Text),
    Column("image", Text),
    Column("available", Boolean, nullable=False),
    Column("created_ms", BigInteger),
    Column("group_id", Text),
    Column("attributes", Text, nullable=False),
    Column("deleted", Boolean, nullable=False, server_default="0"),
    # Counts up with every transaction that changes items: who has seen one number asks for what came above it.
    Column("changed_seq", BigInteger, nullable=False, server_default="0"),
    # The same of what an encoder reads: a price that changes is no reason to encode again.
    Column("content_seq", BigInteger, nullable=False, server_default="0"),
)
Index("items_by_change", items.c.changed_seq)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_key", LargeBinary(16), nullable=False, unique=True),
    Column("user_row", Integer, nullable=False),
    Column("item_row", Integer),
    Column("kind", SmallInteger, nullable=False),
    Column("timestamp_ms", BigInteger, nullable=False),
    Column("value", Float),
    Column("quantity", Float),
    Column("price", Float),
    Column("currency", Text),
    Column("session_id", Text),
    Column("scenario", Text),
    Column("position", Integer),
    Column("slate_id", Text),
    Column("query", Text),
    Column("source", Integer),
    Column("line", BigInteger),
    Column("device", Text),
)
# Covering: the last n events of a user are read from this index alone, without touching the table.
Index(
    "events_by_user",
    events.c.user_row,
    events.c.timestamp_ms,
    events.c.seq,
    events.c.item_row,
    events.c.kind,
    events.c.scenario,
)
# Covering: who turned to what in a stretch of time is read from this index alone.
Index("events_by_time", events.c.timestamp_ms, events.c.kind, events.c.item_row, events.c.user_row)
# What came of an answer; most events answer none and stand in no index of answers.
Index(
    "events_by_slate",
    events.c.slate_id,
    events.c.kind,
    sqlite_where=events.c.slate_id.is_not(None),
    postgresql_where=events.c.slate_id.is_not(None),
)

sources = Table(
    "sources",
    metadata,
    Column("source", Integer, primary_key=True),
    Column("fingerprint", Text, nullable=False, unique=True),
    Column("table", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("lines_done", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("already_stored", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    # JSON: how its lines are read again; None of files that were ingested before this was kept.
    Column("layout", Text),
)

imports = Table(
    "imports",
    metadata,
    Column("import_id", Integer, primary_key=True, autoincrement=False),
    Column("source", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("finished_ms", BigInteger),
    Column("progress", Float, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("already_stored", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("failure", Text),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("source", Integer, primary_key=True),
    Column("line", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("raw", Text, nullable=False),
)
Index("quarantine_by_reason", quarantine.c.source, quarantine.c.reason)

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("document", Text, nullable=False),
)

scenario_versions = Table(
    "scenario_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("scenario", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("restores", Integer),
    Column("document", Text, nullable=False),
)
Index("scenario_versions_by_scenario", scenario_versions.c.scenario, scenario_versions.c.version)

slates = Table(
    "slates",
    metadata,
    Column("slate_id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("user_id", Text),
    Column("scenario", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("item_rows", LargeBinary, nullable=False),
    Column("propensities", LargeBinary, nullable=False),
    Column("best_rows", LargeBinary, nullable=False),
    Column("why", LargeBinary),
)
Index("slates_by_time", slates.c.at_ms)
Index("slates_by_user", slates.c.user_id)

traffic = Table(
    "traffic",
    metadata,
    Column("step_s", Integer, primary_key=True, autoincrement=False),
    Column("at_s", BigInteger, primary_key=True, autoincrement=False),
    Column("measure", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("n", BigInteger, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    Column("encoder", Text, nullable=False),
    Column("content_hash", LargeBinary(16), nullable=False),
    Column("position", Integer, nullable=False),
    UniqueConstraint("encoder", "content_hash", name="vectors_by_content"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("origins", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("change", Integer, nullable=False, unique=True),
)

server_secrets = Table(
    "server_secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# Which keys values were sealed under, never the keys: `number` counts up, the highest that is not retired seals. Those
# that nothing stands under any more keep their rows, so that a process which still has one does not take it for new.
data_keys = Table(
    "data_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key_id", Text, nullable=False, unique=True),
    Column("since_ms", BigInteger, nullable=False),
    Column("retired_ms", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("entry", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("receipt", Text, primary_key=True),
    Column("id_hash", LargeBinary(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    # Or of a browser, which never said anything of itself. Who it was, neither tells.
    Column("of_account", Boolean, nullable=False, server_default="1"),
)
Index("erasures_by_id", erasures.c.id_hash)

unfinished_erasures = Table(
    "unfinished_erasures",
    metadata,
    Column("receipt", Text, primary_key=True),
    # Of the person, in whose place the receipt's name stands; none where only answers were kept of somebody.
    Column("user_row", Integer),
    # Of the profile's texts, 16 bytes each: what vectors are kept under.
    Column("profile_hashes", LargeBinary, nullable=False),
)
