"""Damages a ledger behind its back, and asks an audit about it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text

from ledger.application import Ledger
from ledger.audit.fault import Fault
from ledger.audit.run_checks import Audit
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import live_generation
from ledger.projections.engine.registry import PROJECTIONS
from ledger.sealing.frames import open_frame, seal
from ledger.sealing.master_keys import read_master_keys
from ledger.sealing.origin_secret import BODY, SECRET_BYTES, secret_name
from ledger.simulator.signed_calls import MIXED, synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.append_only_triggers import APPEND_ONLY, missing_guards
from ledger.storage.database import Database
from tests.builders import MASTER_KEYS, NOON, SHOP_ID, a_ledger, receive

Change = str | Callable[[Connection], None]


def a_filled_ledger(
    database: Database, *story_names: str, formats: tuple[str, ...] = (MIXED,)
) -> Ledger:
    """Make a ledger that holds stories, all by default, with its read models at the live edge."""
    ledger = a_ledger(database)
    simulator = synthetic_platform(ledger.shops, SHOP_ID, "TEST", at=NOON)
    number = 0
    for format_ in formats:
        for name in story_names or tuple(STORIES):
            number += 1
            if simulator.can_play(STORIES[name], format_):
                for call in simulator.signed_calls(STORIES[name], 7, number, format_):
                    receive(ledger, call.body)
    follow(ledger)
    return ledger


def follow(ledger: Ledger) -> None:
    """Bring every read model to the live edge."""
    for read_model in PROJECTIONS.values():
        with ledger.database.connect() as connection:
            generation = live_generation(connection, read_model)
        assert generation is not None
        Follower(ledger.database, generation).run(ledger.events.high_water_mark() or 0)


def faults(ledger: Ledger, **options: Any) -> list[Fault]:
    return list(Audit(ledger, **options).faults())


def damage(database: Database, *damages: Change) -> None:
    """Change what must not change, then leave everything looking protected again."""
    with database.begin() as connection:
        triggers = _sqlite_triggers(connection)
        _unguard(connection)
        for change in damages:
            if isinstance(change, str):
                connection.execute(text(change))
            else:
                change(connection)
        _guard(connection, triggers)
        assert missing_guards(connection) == []


def reseal(connection: Connection, edit: Callable[[bytes], bytes], *, number: int = 0) -> None:
    """Change a recorded body, by its number, as somebody can who has the master keys; its digest
    stays with its secret as it was."""
    query = (
        "SELECT s.origin_id, s.master, s.body_secret, b.body FROM origin_secrets s"
        " JOIN bodies b ON b.origin_id = s.origin_id WHERE s.origin_id ="
        " (SELECT id FROM notifications WHERE outcome = 'recorded'"
        " ORDER BY id LIMIT 1 OFFSET :number)"
    )
    id_, master, wrapped, frame = connection.execute(text(query), {"number": number}).one()
    keys = read_master_keys(MASTER_KEYS, {})
    secret = keys.unwrap(secret_name(id_, BODY), master, bytes(wrapped))[:SECRET_BYTES]
    sealed = seal(secret, id_, BODY, edit(open_frame(secret, id_, BODY, bytes(frame))))
    update = text("UPDATE bodies SET body = :body WHERE origin_id = :id")
    connection.execute(update, {"id": id_, "body": sealed})


def _sqlite_triggers(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    query = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%refuse%'"
    return list(connection.scalars(text(query)))


def _unguard(connection: Connection) -> None:
    for table in APPEND_ONLY:
        if connection.dialect.name == "sqlite":
            connection.execute(text(f"DROP TRIGGER {table}_refuse_update"))
            connection.execute(text(f"DROP TRIGGER {table}_refuse_delete"))
        else:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_refuse_change"))


def _guard(connection: Connection, triggers: list[str]) -> None:
    for trigger in triggers:
        connection.execute(text(trigger))
    if connection.dialect.name != "sqlite":
        for table in APPEND_ONLY:
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {table}_refuse_change"))
