"""Runs the migrations on the connection that `ledger.storage.migrations` hands over."""

from alembic import context

from ledger.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
)
with context.begin_transaction():
    context.run_migrations()
