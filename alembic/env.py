"""Runs the migrations on the connection that `ledger.storage.migrations` hands over."""

from alembic import context

from ledger.storage.access_tables import tokens
from ledger.storage.alert_tables import alert_conditions
from ledger.storage.destination_tables import destinations
from ledger.storage.drift_tables import drift_names
from ledger.storage.listed_money import listed_money
from ledger.storage.log_tables import log_entries
from ledger.storage.note_tables import notes
from ledger.storage.person_tables import person_tags
from ledger.storage.reconciliation_tables import reports
from ledger.storage.tables import events

assert events.metadata is tokens.metadata is log_entries.metadata is person_tags.metadata
assert drift_names.metadata is reports.metadata is listed_money.metadata is notes.metadata
assert notes.metadata is alert_conditions.metadata is destinations.metadata is events.metadata
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=events.metadata,
)
with context.begin_transaction():
    context.run_migrations()
