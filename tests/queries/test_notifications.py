"""The lists of notifications: verified ones and those in quarantine, newest or oldest first."""

from typing import Any

import pytest

from ledger.queries import notifications
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import all_notifications, count_notifications, list_notifications
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome
from tests.builders import SHOP_ID, a_form_call, a_ledger, receive
from tests.storage.rows import a_quarantine, a_refusal, a_row, keep, refuse


def ids(rows: list[InboxRecord]) -> list[int]:
    return [int(row.id) for row in rows]


def fill(database: Database) -> None:
    keep(database, a_row(1), a_row(3, mode="PRODUCTION"))
    keep(database, a_row(4, reason="no-key"), a_row(6, outcome=Outcome.REPEATED))
    claimed = {"shop_id": SHOP_ID, "mode": "PRODUCTION", "reason": "no-key"}
    refuse(database, a_quarantine(), a_refusal(2), a_refusal(5, **claimed))


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [6, 5, 4, 3, 2, 1]),
    ({"outcome": ["quarantined"]}, [5, 2]),
    ({"outcome": ["recorded"]}, [4, 3, 1]),
    ({"outcome": ["repeated", "quarantined"]}, [6, 5, 2]),
    ({"reason": ["no-key"]}, [5, 4]),
    ({"reason": ["no-key"], "outcome": ["recorded"]}, [4]),
    ({"shop_id": [SHOP_ID], "mode": "production"}, [5, 3]),
    ({"shop_id": [SHOP_ID, "99999999"], "mode": "TEST"}, [6, 4, 1]),
    ({"shop_id": ["99999999"]}, []),
]


def test_lists_and_exports_hold_what_a_filter_leaves(database: Database) -> None:
    fill(database)
    ledger = a_ledger(database)

    for parameters, expected in FILTERS:
        filter_ = NotificationFilter.of(parameters)
        with database.connect() as connection:
            rows = list_notifications(ledger, filter_)
            count = count_notifications(connection, filter_)
        exported = [int(row.id) for row in all_notifications(ledger, filter_)]
        assert (ids(rows), exported, count) == (expected, expected[::-1], len(expected)), parameters
        assert all(row.body is None for row in rows)


def test_nobody_who_sees_no_shop_sees_a_notification(database: Database) -> None:
    fill(database)
    filter_, ledger = NotificationFilter(shop_id=frozenset()), a_ledger(database)

    with database.connect() as connection:
        assert list_notifications(ledger, filter_) == []
        assert count_notifications(connection, filter_) == 0
    assert list(all_notifications(ledger, filter_)) == []


def test_a_list_is_read_page_by_page(database: Database) -> None:
    fill(database)

    pages, before = [], None
    ledger = a_ledger(database)
    while page := list_notifications(ledger, NotificationFilter(), before_id=before, limit=4):
        pages.append(ids(page))
        before = page[-1].id

    assert pages == [[6, 5, 4, 3], [2, 1]]


def test_an_export_holds_the_bodies_only_on_demand(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "PAGE", 2)
    ledger = a_ledger(database)
    for number in range(3):
        receive(ledger, b"junk=%d" % number)
        receive(ledger, a_form_call(trans_id=f"90000{number}"))

    plain = list(all_notifications(ledger, NotificationFilter()))
    whole = list(all_notifications(ledger, NotificationFilter(), has_bodies=True))

    assert [row.id for row in plain] == [row.id for row in whole]
    assert not any(row.body for row in plain)
    assert all(row.body for row in whole)
