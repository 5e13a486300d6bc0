"""What a hand can do to a ledger behind its back, and what an audit then says."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text

from ledger.application import Ledger
from ledger.audit import Audit, Fault
from ledger.projections import generations as g
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import catch_up, prepare_views
from ledger.simulator.stories import STORIES
from ledger.simulator.telling import MIXED, teller
from ledger.storage.database import Database
from ledger.storage.guards import APPEND_ONLY, missing_guards
from tests.builders import NOON, SHOP_ID, a_ledger, receive

Change = str | Callable[[Connection], None]


def a_told_ledger(database: Database, *stories: str, formats: tuple[str, ...] = (MIXED,)) -> Ledger:
    """A ledger that was told some stories (all by default), with its views at the live edge."""
    ledger = a_ledger(database)
    prepare_views(database)
    told_by = teller(ledger.shops, SHOP_ID, "TEST", at=NOON)
    number = 0
    for format_ in formats:
        for name in stories or tuple(STORIES):
            number += 1
            if told_by.can_tell(STORIES[name], format_):
                for telling in told_by.tell(STORIES[name], 7, number, format_):
                    receive(ledger, telling.body)
    follow(ledger)
    return ledger


def follow(ledger: Ledger) -> None:
    """Bring every view to the live edge."""
    for view in PROJECTIONS.values():
        with ledger.database.connect() as connection:
            generation = g.live_generation(connection, view)
        assert generation is not None
        catch_up(ledger, generation, view, ledger.events.high_water_mark() or 0)


def faults(ledger: Ledger, **asked: Any) -> list[Fault]:
    return list(Audit(ledger, **asked).faults())


def damage(database: Database, *changes: Change) -> None:
    """Change what must not change, then leave everything looking protected again."""
    with database.begin() as connection:
        triggers = _sqlite_triggers(connection)
        _unguard(connection)
        for one in changes:
            if isinstance(one, str):
                connection.execute(text(one))
            else:
                one(connection)
        _guard(connection, triggers)
        assert missing_guards(connection) == []


def _sqlite_triggers(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    query = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%refuse%'"
    return list(connection.scalars(text(query)))


def _unguard(connection: Connection) -> None:
    for table in APPEND_ONLY:
        if connection.dialect.name == "sqlite":
            for change in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER {table}_refuse_{change}"))
        else:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_refuse_change"))


def _guard(connection: Connection, triggers: list[str]) -> None:
    for one in triggers:
        connection.execute(text(one))
    if connection.dialect.name != "sqlite":
        for table in APPEND_ONLY:
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {table}_refuse_change"))
