"""What `ledger migrate` does: it brings the durable tables to what this version expects."""

import os

import click
from sqlalchemy import inspect

from ledger.cli.upgrade_steps import PRUNE, REBUILD, ROLL, echo_next
from ledger.instants import utc_now
from ledger.projections.engine.generations import (
    all_generations,
    decide_alone,
    drop_generation,
    outdated_views,
)
from ledger.projections.engine.leadership import PreparedViews, prepare_views
from ledger.settings import read_settings
from ledger.storage.database import Database
from ledger.storage.migrations import is_empty
from ledger.storage.migrations import migrate as bring_to_head
from ledger.storage.sealed_rows import add_months
from ledger.storage.service_role import grant_to_service


def bring_up_to_date(service_role: str | None) -> None:
    """Apply the migrations that are missing; print each, and the new and stale read models."""
    database = Database(read_settings(os.environ).database_url)
    if database.is_sqlite and service_role:
        raise click.UsageError("--service-role needs PostgreSQL")
    try:
        is_new = is_empty(database)
        applied = bring_to_head(database)
        add_months(database, utc_now())
        service = None if database.is_sqlite else _leave_to_service(database, service_role)
        views = _outdated(database) if service else prepare_views(database)
    finally:
        database.dispose()
    for revision in applied:
        click.echo(f"applied {revision}")
    if views.new:
        click.echo(f"made the first generation of {', '.join(views.new)}")
    if not applied and not views.new:
        click.echo("nothing to apply", err=True)
    if service:
        click.echo(f"the role {service} may run the service", err=True)
    for name in views.stale:
        click.echo(f"stale: {name}; its code has changed, run `ledger rebuild {name}`")
    if not is_new and (applied or views.stale):
        echo_next(*([REBUILD] if views.stale else []), ROLL, *([PRUNE] if views.stale else []))


def _outdated(database: Database) -> PreparedViews:
    """Name what the service's role has to rebuild; it makes its read models itself."""
    with database.connect() as connection:
        return PreparedViews([], outdated_views(connection))


def _leave_to_service(database: Database, role: str | None) -> str | None:
    """Give the service's role its rights; drop read models that are not its own.

    It makes them anew: only the owner of a table may index or drop it.
    """
    with database.begin() as connection:
        service = grant_to_service(connection, role)
        if service:
            decide_alone(connection)
            tables = inspect(connection).get_table_names(schema=service)
            for generation in all_generations(connection):
                if not any(table.endswith(f"_g{generation.id}") for table in tables):
                    drop_generation(connection, generation)
    return service
