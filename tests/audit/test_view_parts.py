"""Read models are checked part by part: each row by one part, and with the result of one piece."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, select

from ledger.application import Ledger
from ledger.audit.read_models import ReadModelCheck
from ledger.audit.run_checks import Audit
from ledger.audit.view_parts import ViewResult
from ledger.projections.engine.generations import live_generations
from ledger.projections.engine.registry import PROJECTIONS
from ledger.proof.signer import LogSigner
from ledger.simulator.bulk import fill
from ledger.storage.database import Database
from tests.audit.damaged_rows import Change, add_another, make_wrong, remove
from tests.audit.tampering import a_filled_ledger, follow
from tests.audit.uncut import faults_in_one_piece
from tests.builders import SHOP_ID, UUID, a_form_call, a_ledger, receive
from tests.privacy.erasing import erase
from tests.projections.helpers import live, log_end
from tests.recording.one_payment import without_number, without_uuid
from tests.sealing.archiving import archive_all

ALL_IN_ONE, MANY = (1_000_000, 1_000_000), (20, 20)
"""Sizes of tasks."""
COMMON = "suspect_shops"
"""The table to whose rows all parts add, so that no part alone can tell what is wrong with it."""


@pytest.fixture
def ledger(database: Database, signer: LogSigner, tmp_path: Path) -> Ledger:
    """All stories, a payment of two joined streams that was erased, and everything archived."""
    a_filled_ledger(database)
    ledger = a_ledger(database, log_key_file=signer.file)
    receive(ledger, without_number())
    receive(ledger, without_uuid("CAPTURED"))
    receive(ledger, a_form_call("CAPTURED", "BO", auth_number="3fe04f"))
    assert joined(ledger) == 1
    follow(ledger)
    erase(ledger, signer, UUID)
    archive_all(database, tmp_path)
    return ledger


def joined(ledger: Ledger) -> int:
    topics = [stored.event.TOPIC for stored in ledger.events.events_after(0, 10_000)]
    return topics.count("transaction.continued")


def found(ledger: Ledger, sizes: tuple[int, int], **options: Any) -> list[Any]:
    return list(Audit(ledger, only=("views",), task_sizes=sizes, **options).faults())


def damage_each_table(ledger: Ledger, damaging: Change, seed: int) -> None:
    """Do something to one row of every table of every read model."""
    random = Random(seed)
    for name in PROJECTIONS:
        for table in live(ledger, name).tables.values():
            with ledger.database.begin() as connection:
                query = select(table).order_by(*table.primary_key)
                rows = [dict(row) for row in connection.execute(query).mappings()]
                damaging(connection, table, random.choice(rows))


CHANGES = [make_wrong, remove, add_another]


@pytest.mark.parametrize("damaging", CHANGES)
def test_a_row_of_every_table_is_found_whatever_the_parts(
    ledger: Ledger, damaging: Change, tmp_path: Path
) -> None:
    damage_each_table(ledger, damaging, seed=len(damaging.__name__))

    expected = faults_in_one_piece(ledger, tmp_path)

    assert len(expected) == sum(len(model.all_tables) for model in PROJECTIONS.values())
    assert found(ledger, ALL_IN_ONE) == expected
    assert found(ledger, MANY) == expected


@pytest.mark.parametrize("damaging", CHANGES)
def test_a_damaged_row_is_found_by_one_part(ledger: Ledger, damaging: Change) -> None:
    damage_each_table(ledger, damaging, seed=1)

    finders = Counter(
        difference.table
        for result in results(ledger, MANY[1])
        for differences in result.differences_by_view.values()
        for difference in differences
        if difference.differing
    )

    tables = {table.name for model in PROJECTIONS.values() for table in model.all_tables}
    assert finders == dict.fromkeys(tables - {COMMON}, 1)


def test_more_rows_than_are_listed_are_counted_over_all_parts(
    ledger: Ledger, tmp_path: Path
) -> None:
    with ledger.database.begin() as connection:
        for generation in live_generations(connection).values():
            for declared in generation.model.tables:
                connection.execute(delete(generation.tables[declared]))

    expected = faults_in_one_piece(ledger, tmp_path)

    assert sum(fault.reason == "view-differs" for fault in expected) > 5
    assert found(ledger, MANY) == expected


def test_groups_of_too_many_wrong_rows_are_said_not_to_be_compared(database: Database) -> None:
    ledger = a_ledger(database)
    fill(ledger, SHOP_ID, "TEST", events=2_000, seed=1)
    follow(ledger)
    lines = live(ledger, "orders").tables[PROJECTIONS["orders"].tables[0]]
    with database.begin() as connection:
        connection.execute(delete(lines))

    details = [fault.detail for fault in found(ledger, MANY)]

    assert len(details) == 7
    assert details[-1] == "orders: not compared, too many rows differ of which it is made"


# -- how they are cut ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5, 1_000_000])
def test_each_row_is_in_one_part(ledger: Ledger, size: int) -> None:
    live_rows, projected_rows, parts = Counter[str](), Counter[str](), Counter[str]()
    for result in results(ledger, size):
        for differences in result.differences_by_view.values():
            for difference in differences:
                parts[difference.table] += 1
                live_rows[difference.table] += difference.rows[0]
                projected_rows[difference.table] += difference.rows[1]

    with ledger.database.connect() as connection:
        stored = {
            declared.name: len(connection.execute(select(table)).all())
            for generation in live_generations(connection).values()
            for declared, table in generation.tables.items()
        }
    del stored[COMMON]
    assert live_rows == projected_rows == stored
    assert (max(parts.values()) == 1) == (size > log_end(ledger))


def test_no_part_holds_more_than_an_eighth_of_a_read_model(database: Database) -> None:
    ledger = a_ledger(database)
    fill(ledger, SHOP_ID, "TEST", events=2_000, seed=1)
    follow(ledger)

    rows_of_parts: dict[str, list[int]] = {}
    for result in results(ledger, 125):
        for differences in result.differences_by_view.values():
            for difference in differences:
                rows_of_parts.setdefault(difference.table, []).append(difference.rows[1])

    for name in ("transactions", "order_lines", "suspect_lines", "coverage_lines", "audit_trail"):
        assert len(rows_of_parts[name]) >= 8
        assert max(rows_of_parts[name]) <= sum(rows_of_parts[name]) / 8


def results(ledger: Ledger, size: int) -> Iterator[ViewResult]:
    """Do every part of a check, then what is made of their rows."""
    check = ReadModelCheck(ledger.database, size)
    for tasks in (check.part_tasks, check.group_tasks):
        for task in list(tasks()):
            result = task.run({"database": ledger.database})
            assert isinstance(result, ViewResult)
            check.add(result)
            yield result
