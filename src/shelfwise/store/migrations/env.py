"""Alembic's entry point: run the revisions on the connection that `run.upgrade` opened."""

from alembic import context

from shelfwise.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction holds them all
)
context.run_migrations()
