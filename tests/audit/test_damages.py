"""Every kind of damage that a hand can do is found."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ledger.application import Ledger
from ledger.projections.engine.generations import live_generation
from ledger.projections.engine.registry import projection
from ledger.storage.compressed_columns import compress_details, read_details
from tests.audit.tampering import Change, damage, faults, reseal


def change_state(
    topic: str, change: Callable[[dict[str, Any]], Any], column: str = "state"
) -> Change:
    """Rewrite what the first event of a topic says."""

    def run(connection: Connection) -> None:
        query = f"SELECT position, {column} FROM events WHERE topic LIKE :topic ORDER BY position"
        row = connection.execute(text(query), {"topic": topic}).first()
        assert row is not None
        stored = read_details(row[1]) if column == "details" else row[1]
        state = json.loads(stored)
        change(state)
        changed = json.dumps(state).encode()
        connection.execute(
            text(f"UPDATE events SET {column} = :changed WHERE position = :position"),
            {
                "changed": compress_details(changed) if column == "details" else changed,
                "position": row[0],
            },
        )

    return run


def flip_body(connection: Connection) -> None:
    reseal(connection, lambda body: body.replace(b"1", b"2", 1))


READ_MODEL_BY_TABLE = {
    "order_lines": "orders",
    "daily_totals": "totals",
    "rule_coverage": "coverage",
}


def in_read_model(statement: str) -> Change:
    """Damage a table of a live read model; `{g}` is its generation."""

    def run(connection: Connection) -> None:
        table = statement.split("_g{g}")[0].split()[-1]
        read_model = projection(READ_MODEL_BY_TABLE.get(table, table))
        generation = live_generation(connection, read_model)
        assert generation is not None
        connection.execute(text(statement.format(g=generation.id)))

    return run


def first_notification(change: str) -> str:
    return (
        f"UPDATE notifications SET {change} WHERE id ="
        " (SELECT min(id) FROM notifications WHERE outcome = 'recorded')"
    )


SWAP = (
    "UPDATE events SET position = -1 WHERE position = 1",
    "UPDATE events SET position = 1 WHERE position = (SELECT max(position) FROM events)",
    "UPDATE events SET position = (SELECT max(position) + 1 FROM events) WHERE position = -1",
)
GROWN = "(SELECT originator_id FROM events WHERE originator_version = 2 LIMIT 1)"


@dataclass(frozen=True)
class Damage:
    statements: tuple[Change, ...]
    reasons: frozenset[str]


def done(*statements: Change, finds: str) -> Damage:
    return Damage(statements, frozenset(finds.split()))


def set_fact(name: str, value: object) -> Callable[[dict[str, Any]], Any]:
    return lambda state: state["facts"].update({name: value})


DAMAGES: dict[str, Damage] = {
    "a byte of a body": done(flip_body, finds="digest signature"),
    "a byte of a sealed body": done(
        "UPDATE bodies SET body = substr(body, 2) WHERE origin_id ="
        " (SELECT min(origin_id) FROM bodies)",
        finds="unsealable",
    ),
    "a sealed body": done("DELETE FROM bodies", finds="sealed-missing"),
    "a secret": done("DELETE FROM origin_secrets", finds="secret-missing"),
    "a fingerprint of another key": done(
        first_notification(
            "key_fingerprint = (SELECT max(key_fingerprint) FROM notifications o"
            " WHERE o.format = 'rest-v4')"
        ),
        finds="signature",
    ),
    "a shop of a delivery": done(first_notification("shop_id = '87654321'"), finds="row-differs"),
    "positions taken away": done(
        first_notification("positions = '[]'"), finds="no-events not-listed"
    ),
    "a delivery": done(
        "DELETE FROM notifications WHERE id = (SELECT min(id) FROM notifications)",
        finds="notification-missing",
    ),
    "an arrival": done(first_notification("received_at = recorded_at"), finds="event-differs"),
    "a detail": done(
        change_state("transaction.%", lambda state: state["details"].pop(), "details"),
        finds="event-differs",
    ),
    "what is derived": done(
        change_state("transaction.%", lambda state: state.update({"derived": ["currency"]})),
        finds="event-differs",
    ),
    "the bytes of an event": done(
        "UPDATE events SET state = 'no json' WHERE position = 1", finds="state-unreadable"
    ),
    "an event": done("DELETE FROM events WHERE position = 2", finds="event-missing"),
    "the first event of a stream": done(
        f"DELETE FROM events WHERE originator_version = 1 AND originator_id = {GROWN}",
        finds="event-missing version",
    ),
    "the order within a stream": done(
        f"UPDATE events SET originator_version = -originator_version WHERE originator_id = {GROWN}"
        " AND originator_version <= 2",
        "UPDATE events SET originator_version = 3 + originator_version"
        " WHERE originator_version < 0",
        finds="append-order",
    ),
    "an event in another stream": done(
        "UPDATE events SET originator_version = 99, originator_id ="
        " (SELECT originator_id FROM events WHERE position = 1) WHERE position = 5",
        finds="stream version",
    ),
    "two events swapped": done(*SWAP, finds="event-of-another not-listed"),
    "an event of no delivery": done(
        "UPDATE events SET origin_id = '' WHERE position = 1",
        finds="event-of-another notification-missing",
    ),
    "a row of a view": done(
        in_read_model("UPDATE transactions_g{g} SET amount_minor = 1"), finds="view-row-differs"
    ),
    "a row missing in a view": done(
        in_read_model("DELETE FROM audit_trail_g{g} WHERE position = 2"), finds="view-row-missing"
    ),
    "a row too many in a view": done(
        in_read_model(
            "INSERT INTO rule_coverage_g{g} VALUES ('12345678', 'PRODUCTION', 'alias', 1, 'a', 'b')"
        ),
        finds="view-row-extra",
    ),
    "a sum of a view": done(
        in_read_model("UPDATE daily_totals_g{g} SET amount_minor = amount_minor + 1"),
        finds="view-row-differs",
    ),
    "a column of a view": done(
        in_read_model("ALTER TABLE aliases_g{g} ADD COLUMN more TEXT"), finds="view-table"
    ),
}
"""What each database stores and reads in its own way."""

DAMAGES_OF_CONTENT: dict[str, Damage] = {
    "a signed tag": done(
        first_notification("signed_tag = substr(signed_tag, 2)"), finds="signed-tag"
    ),
    "a fingerprint of no key": done(
        first_notification("key_fingerprint = '0123456789abcdef'"), finds="fingerprint"
    ),
    "a mode of a delivery": done(first_notification("mode = 'PRODUCTION'"), finds="row-differs"),
    "a format": done(first_notification("format = 'rest-v4'"), finds="row-differs"),
    "an outcome": done(first_notification("outcome = 'repeated'"), finds="not-listed"),
    "an amount": done(
        change_state("transaction.%", set_fact("amount_minor", 1)), finds="event-differs"
    ),
    "a fact taken away": done(
        change_state("transaction.%", lambda state: state["facts"].pop("amount_minor")),
        finds="event-differs",
    ),
    "a fact added": done(
        change_state("transaction.%", set_fact("captured_at", "2020-01-01T00:00:00Z")),
        finds="event-differs",
    ),
    "a fact of a transaction that nobody declared": done(
        change_state("transaction.%", set_fact("card_country", "FR")),
        finds="fact-unknown event-differs",
    ),
    "a fact of an alias that others have": done(
        change_state("alias.%", set_fact("status", "CAPTURED")), finds="fact-unknown"
    ),
    "a fact of a plan that instalments have": done(
        change_state("subscription.opened", set_fact("number", 1)), finds="fact-unknown"
    ),
    "a fact of an instalment that plans have": done(
        change_state("subscription.instalment-%", set_fact("schedule", "daily")),
        finds="fact-unknown",
    ),
    "an alias's means": done(
        change_state("alias.%", set_fact("payment_method", "OTHER")), finds="event-differs"
    ),
    "a plan": done(
        change_state("subscription.opened", set_fact("amount_minor", 1)), finds="event-differs"
    ),
    "an instalment": done(
        change_state("subscription.instalment-%", set_fact("amount_minor", 1)),
        finds="event-differs",
    ),
    "a name in the bytes": done(
        change_state("transaction.%", lambda state: state.update(extra=1)), finds="event-differs"
    ),
    "a moment of recording": done(
        change_state("transaction.%", lambda state: state.update(timestamp="2020-01-01T00:00:00Z")),
        finds="event-differs",
    ),
    "a person": done(
        change_state(
            "transaction.%", lambda state: state.update(personal=[["name", "Nobody"]]), "details"
        ),
        finds="event-differs",
    ),
    "a topic": done(
        "UPDATE events SET topic = 'transaction.invented' WHERE position = 1",
        finds="topic-unknown",
    ),
    "the last event": done(
        "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
        finds="event-missing",
    ),
    "a version": done(
        "UPDATE events SET originator_version = 9 WHERE position ="
        " (SELECT min(position) FROM events WHERE originator_version = 2)",
        finds="version",
    ),
    "an event of another delivery": done(
        "UPDATE events SET origin_id = (SELECT max(id) FROM notifications) WHERE position = 1",
        finds="event-of-another not-listed",
    ),
    "a line of an order": done(
        in_read_model("UPDATE order_lines_g{g} SET status = 'CAPTURED'"), finds="view-row-differs"
    ),
    "a view ahead of the log": done(
        "UPDATE generation_positions SET position = 1000000", finds="view-ahead"
    ),
}
"""What is compared in the same way once it has been read, on whatever database."""


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_on_both_databases(ledger: Ledger, name: str) -> None:
    assert_found(ledger, DAMAGES[name])


@pytest.mark.parametrize("name", DAMAGES_OF_CONTENT)
def test_damage_to_content_is_found(ledger_on_sqlite: Ledger, name: str) -> None:
    assert_found(ledger_on_sqlite, DAMAGES_OF_CONTENT[name])


def assert_found(ledger: Ledger, done: Damage) -> None:
    damage(ledger.database, *done.statements)
    is_of_read_model = any(reason.startswith("view") for reason in done.reasons)
    only = ("views",) if is_of_read_model else ("signatures", "streams", "order")

    reported = faults(ledger, only=only)

    assert done.reasons <= {fault.reason for fault in reported}, reported
