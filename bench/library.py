"""The `eventsourcing` library used as its documentation shows, on its own recorder and runner."""

import time
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, DomainEventProtocol
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

EVENTS = 1_500
WAIT_SECONDS = 60


class Payment(Aggregate):
    """One call is one aggregate here: no stream is read, and none is fought for."""

    def __init__(self, name: str, fields: dict[str, str]) -> None:
        self.name = name
        self.fields = fields


class Payments(Application[UUID]):
    pass


class Rows(PostgresTrackingRecorder):
    """A view as one writes it there: a table whose rows move with the tracking record."""

    def __init__(self, datastore: Any, **options: Any) -> None:
        super().__init__(datastore, **options)
        self._table = Identifier(f"{self.tracking_table_name}_rows")
        create = "CREATE TABLE IF NOT EXISTS {} (id uuid PRIMARY KEY, version bigint)"
        self.sql_create_statements.append(SQL(create).format(self._table))
        self._upsert = SQL(
            "INSERT INTO {} VALUES (%s, %s)"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version"
        ).format(self._table)

    def put(self, id_: UUID, version: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(self._upsert, (id_, version))
            self._insert_tracking(cursor, tracking)


class View(Projection[Rows]):
    """Takes every event, one transaction each, as the runner gives them."""

    def process_event(self, domain_event: DomainEventProtocol[Any], tracking: Tracking) -> None:
        self.view.put(domain_event.originator_id, domain_event.originator_version, tracking)


def payments(url: str) -> Payments:
    return Payments(_environment(url))


def fill(url: str) -> None:
    """Store as many events as are projected in each round, of the size of the ledger's own."""
    application = payments(url)
    fields = {f"vads_field_{number}": "x" * 20 for number in range(20)}
    for number in range(EVENTS):
        application.save(Payment(str(number), fields))
    application.close()


def projected_per_second(url: str, number: int) -> float:
    """Events a second that its runner brings to a view that was never filled before."""
    view = type(f"View{number}", (View,), {"name": f"view{number}"})
    began = time.perf_counter()
    with ProjectionRunner(
        application_class=Payments,
        projection_class=view,
        view_class=Rows,
        env=_environment(url),
    ) as runner:
        runner.wait(EVENTS, timeout=WAIT_SECONDS)
    return EVENTS / (time.perf_counter() - began)


def _environment(url: str) -> dict[str, str]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(parsed.database),
        }
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parsed.database),
        "POSTGRES_HOST": str(parsed.host or parsed.query.get("host", "")),
        "POSTGRES_PORT": str(parsed.port or 5432),
        "POSTGRES_USER": str(parsed.username),
        "POSTGRES_PASSWORD": str(parsed.password or ""),
    }
