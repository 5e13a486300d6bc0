"""Logical replication as `deploy/` sets it up: what another server gets, and what it does not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
import psycopg
import pytest

from ledger.application import Ledger
from ledger.cli.deployment_findings import slot_findings
from ledger.storage.append_only_triggers import APPEND_ONLY
from ledger.storage.migrations import migrate
from tests.builders import a_form_call, a_ledger, a_shop, receive, share_index_key, shops
from tests.conftest import opened
from tests.faults.cluster import Cluster, a_folder, running
from tests.faults.pgoutput import inserts_of
from tests.faults.test_standby import ANOTHER_STREAM
from tests.projections.helpers import eventually

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ROLE = "ledger_replication"
PERSONAL = {
    "cust_email": "synthetic.person@example.org",
    "cust_name": "Synthetic Person",
    "cust_phone": "+33 1 99 00 12 34",
    "cust_address": "1 rue de la Synthese",
    "cust_city": "Synthetique",
}
TABLES = """
CREATE TABLE events (position bigint PRIMARY KEY, originator_id uuid, originator_version bigint,
    topic text, origin_id text, state bytea, arrived bigserial);
CREATE TABLE notifications (place bigint PRIMARY KEY, id text, received_at timestamptz,
    recorded_at timestamptz, format text, shop_id text, mode text, outcome text, reason text,
    positions json);
"""
SUBSCRIBE = (
    "CREATE SUBSCRIPTION ledger CONNECTION 'host=127.0.0.1 port={} user=ledger_replication"
    " dbname=postgres' PUBLICATION ledger_events"
)
IN_ORDER = "SELECT position FROM events ORDER BY arrived"


@dataclass
class Followed:
    """A ledger, and a server that subscribes to it."""

    cluster: Cluster
    follower: Cluster
    ledger: Ledger

    def columns(self, table: str) -> list[str]:
        """Return what is published of a table, in the order of the table."""
        query = f"SELECT attnames FROM pg_publication_tables WHERE tablename = '{table}'"
        ((names,),) = self.cluster.execute(query)
        return list(names)  # type: ignore[call-overload]  # a list of names

    def positions(self) -> list[int]:
        return [position for (position,) in self.follower.execute(IN_ORDER)]  # type: ignore[misc]  # integers


@pytest.fixture(scope="module")
def followed() -> Iterator[Followed]:
    """One call was received before the other server subscribed."""
    with a_folder() as place:
        cluster = Cluster(place, "ledger")
        with running(cluster), running(Cluster(place, "follower")) as follower:
            cluster.execute("ALTER SYSTEM SET wal_level = 'logical'")
            cluster.stop()
            cluster.start()
            with opened(cluster.url()) as database:
                migrate(database)
                share_index_key(database)
                ledger = a_ledger(database, shops(a_shop()))
                receive(ledger, a_form_call("AUTHORISED", **PERSONAL))
                script = (DEPLOY / "logical-replication.sql").read_text()
                cluster.run_script(script, LEDGER_REPLICATION_PASSWORD="synthetic")
                for statement in TABLES.split(";"):
                    follower.execute(statement)
                follower.execute(SUBSCRIBE.format(cluster.port))
                yield Followed(cluster, follower, ledger)


def test_what_was_there_and_what_comes_arrives_in_order_and_names_nobody(
    followed: Followed,
) -> None:
    eventually(lambda: followed.positions() != [])
    receive(followed.ledger, a_form_call("CAPTURED", **PERSONAL))
    receive(followed.ledger, a_form_call("AUTHORISED", trans_id="900002", **PERSONAL))
    stored = [each.position for each in followed.ledger.events.events_after(0, 100)]

    eventually(lambda: followed.positions() == stored)
    eventually(lambda: followed.follower.execute("SELECT count(*) FROM notifications") == [(3,)])
    rows = followed.follower.execute("SELECT * FROM events")
    rows += followed.follower.execute("SELECT * FROM notifications")
    sent = b"\n".join(orjson.dumps(row, default=_text) for row in rows)

    facts = followed.follower.execute("SELECT convert_from(state, 'UTF8')::jsonb FROM events")
    assert all(isinstance(each, dict) for (each,) in facts)
    assert [text for text in PERSONAL.values() if text.encode() in sent] == []


def _text(cell: object) -> str:
    return bytes(cell).decode() if isinstance(cell, bytes | memoryview) else str(cell)


def test_a_client_of_postgresql_gets_each_row_once_and_the_published_columns(
    followed: Followed,
) -> None:
    """As Debezium reads: by a slot of its own, as the role, what was appended since it was made."""
    address = f"host=127.0.0.1 port={followed.cluster.port} user={ROLE} dbname=postgres"
    recvlogical = partial(
        followed.cluster.run_client, "pg_recvlogical", f"--dbname={address}", "--slot=by_hand"
    )
    recvlogical("--create-slot", "--plugin=pgoutput")
    newest = followed.ledger.events.newest_position() or 0
    for number in range(5):
        order = {"trans_id": f"{910_000 + number}", "trans_uuid": f"{number:032x}"}
        receive(followed.ledger, a_form_call("CAPTURED", **order, **PERSONAL))
    stored = followed.ledger.events.events_after(newest, 100)
    ((end,),) = followed.cluster.execute("SELECT pg_current_wal_lsn()")

    options = ("--option=proto_version=1", "--option=publication_names=ledger_events")
    sent = recvlogical("--start", "--no-loop", f"--endpos={end}", "--file=-", *options)
    recvlogical("--drop-slot")

    rows = inserts_of(sent)
    rows_by_table = {
        name: [row for table, row in rows if table == name] for name in ("events", "notifications")
    }
    sent_positions = [int(row["position"] or 0) for row in rows_by_table["events"]]
    assert len(stored) >= 5
    assert sent_positions == [each.position for each in stored]
    assert len(rows_by_table["notifications"]) == 5
    for table, table_rows in rows_by_table.items():
        assert {tuple(row) for row in table_rows} == {tuple(followed.columns(table))}
    states = [str(row["state"]).removeprefix("\\x") for row in rows_by_table["events"]]
    readable = b"".join([sent, *map(bytes.fromhex, states)])
    assert b"CAPTURED" in readable
    assert [text for text in PERSONAL.values() if text.encode() in readable] == []


def test_rows_come_in_the_order_of_commits(followed: Followed) -> None:
    database = followed.ledger.database
    with database.begin() as held:
        slow = held.execute(ANOTHER_STREAM).scalar_one()
        with database.begin() as connection:
            fast = connection.execute(ANOTHER_STREAM).scalar_one()
        eventually(lambda: fast in followed.positions())
    eventually(lambda: slow in followed.positions())

    assert followed.positions()[-2:] == [fast, slow]
    assert slow < fast


def test_the_role_reads_the_published_columns_and_nothing_else(followed: Followed) -> None:
    address = f"host=127.0.0.1 port={followed.cluster.port} user={ROLE} dbname=postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT position, state FROM events")
        for statement in (
            "SELECT details FROM events",
            "SELECT peer FROM notifications",
            "SELECT body FROM bodies",
            "SELECT * FROM origin_secrets",
            "INSERT INTO events (position) VALUES (1)",
            "SELECT * FROM access_log",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)  # type: ignore[call-overload]  # not from outside


def test_only_append_only_tables_are_published_and_only_inserts(followed: Followed) -> None:
    cluster = followed.cluster
    tables = {
        str(name) for (name,) in cluster.execute("SELECT tablename FROM pg_publication_tables")
    }
    kinds = cluster.execute(
        "SELECT pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication"
    )

    assert tables == {"events", "notifications"} <= set(APPEND_ONLY)
    assert kinds == [(True, False, False, False)]


def test_debezium_is_told_the_same_tables_and_columns(followed: Followed) -> None:
    lines = (DEPLOY / "debezium.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    patterns = properties["debezium.source.column.include.list"].split(",")
    published = followed.cluster.execute(
        "SELECT schemaname || '.' || tablename || '.' || unnest(attnames)"
        " FROM pg_publication_tables"
    )
    columns = followed.cluster.execute(
        "SELECT 'public.' || table_name || '.' || column_name FROM information_schema.columns"
        " WHERE table_name IN ('events', 'notifications') AND table_schema = 'public'"
    )

    chosen = [each for (each,) in columns if any(re.fullmatch(p, str(each)) for p in patterns)]
    assert sorted(chosen, key=str) == sorted((each for (each,) in published), key=str)
    assert properties["debezium.source.publication.name"] == "ledger_events"
    assert properties["debezium.source.publication.autocreate.mode"] == "disabled"


def test_check_warns_of_a_slot_that_nobody_reads(followed: Followed) -> None:
    database, cluster = followed.ledger.database, followed.cluster
    assert list(slot_findings(database)) == []
    cluster.execute("SELECT pg_create_logical_replication_slot('forgotten', 'pgoutput')")
    for _ in range(6):
        cluster.execute("SELECT pg_logical_emit_message(false, 'ledger', 'x'), pg_switch_wal()")

    (finding,) = slot_findings(database)

    assert (finding.state, finding.subject) == ("warning", "database")
    assert "nobody reads the replication slot forgotten" in finding.message
    assert "pg_drop_replication_slot('forgotten')" in finding.message
