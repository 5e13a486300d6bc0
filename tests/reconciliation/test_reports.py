"""Reports: the platform's file of one day against what the shop was told, kept and made again."""

import hashlib
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import text

from ledger.application import Ledger
from ledger.audit.reports import check_reports
from ledger.reconciliation.completeness import completeness
from ledger.reconciliation.report_store import Scope, canonical
from ledger.storage.database import Database
from tests.audit.tampering import damage
from tests.builders import SHOP_ID, a_form_call, a_ledger, form_body, receive
from tests.reconciliation.comparing import (
    DAY,
    ROWS,
    a_journal,
    a_payment,
    import_journal,
    money,
    report_of_day,
    words_of,
)


def test_each_row_and_each_payment_has_its_word(ledger: Ledger) -> None:
    report = report_of_day(ledger)

    assert words_of(report) == {
        "never-told": ["410003", "900004"],
        "behind": ["410001", "410002"],
        "not-listed": ["410009"],
        "matched": ["410003"],
    }
    totals = {total["result"]: total for total in report.content()["results"]}
    assert totals["never-told"]["amount_minor"] == 1200 - 2990
    assert totals["behind"]["amount_minor"] == 2990 + 4500


def test_what_differs_is_named_with_both_sides(ledger: Ledger) -> None:
    findings = report_of_day(ledger).content()["findings"]

    changed = next(finding for finding in findings if finding["trans_id"] == "410002")
    assert changed["differences"] == ["amount_minor"]
    assert (changed["file"]["amount_minor"], changed["ledger"]["amount_minor"]) == (4500, 5000)
    assert changed["file"]["line"] == 4
    missing = next(finding for finding in findings if finding["result"] == "never-told")
    assert (missing["ledger"], missing["certainty"]) == (None, None)


def test_a_day_with_gaps_has_a_score_and_one_without_a_file_has_none(ledger: Ledger) -> None:
    report_of_day(ledger)

    with ledger.database.connect() as connection:
        known = completeness(connection, Scope(SHOP_ID, "TEST", DAY, DAY.replace(day=11)))
    assert [(each.day_state, each.score) for each in known] == [("gaps", 0.4), ("unproven", None)]
    assert (known[0].listed_count, known[0].gap_count) == (5, 3)


def test_once_the_calls_have_come_the_next_report_proves_the_day(ledger: Ledger) -> None:
    first = report_of_day(ledger)
    receive(ledger, a_payment("410001", "091504", order_id="CMD-1", trans_status="CAPTURED"))
    receive(ledger, a_payment("410002", "101010", order_id="CMD-2", **money(4500)))
    refused = {"trans_status": "REFUSED", "trans_uuid": "c" * 32}
    receive(ledger, a_payment("410003", "111111", order_id="CMD-3", **money(1200), **refused))
    credit = {"operation_type": "CREDIT", "trans_status": "CAPTURED", "order_id": "CMD-1"}
    receive(ledger, a_payment("900004", "150000", **credit))

    second = report_of_day(ledger)

    assert second.replaces == first.id
    with ledger.database.connect() as connection:
        (known,) = completeness(connection, Scope(SHOP_ID, "TEST", DAY, DAY))
    assert (known.day_state, known.score, known.report_id) == ("proven", 1.0, second.id)
    assert check_reports(ledger.database, ledger.sealing).faults == []


def test_the_same_files_and_events_make_the_same_report(ledger: Ledger) -> None:
    first, second = report_of_day(ledger), report_of_day(ledger)

    assert second.id == first.id
    assert hashlib.sha256(second.canonical_bytes).hexdigest() == first.digest
    assert canonical(first.content()) == first.canonical_bytes


def test_an_audit_makes_an_old_report_again_as_things_stood_then(ledger: Ledger) -> None:
    report_of_day(ledger)
    receive(ledger, a_payment("410001", "091504", order_id="CMD-1", trans_status="CAPTURED"))
    receive(ledger, a_payment("410077", "161616", order_id="CMD-77"))
    report_of_day(ledger)

    result = check_reports(ledger.database, ledger.sealing)

    assert (result.faults, result.checked) == ([], 3)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE reports SET digest = 'ab' || substr(digest, 3)", "report-differs"),
        ("UPDATE reports SET position = position - 1", "report-differs"),
        ("UPDATE journal_parts SET sealed = substr(sealed, 1, 40)", "file-differs"),
        ("DELETE FROM journal_parts", "file-differs"),
    ],
)
def test_a_changed_report_or_file_is_a_named_fault(
    ledger: Ledger, statement: str, reason: str
) -> None:
    report_of_day(ledger)
    damage(ledger.database, statement)

    faults = check_reports(ledger.database, ledger.sealing).faults

    assert reason in {fault.reason for fault in faults}


def test_the_newest_file_is_that_which_was_made_last_whenever_it_came(database: Database) -> None:
    ledger = a_ledger(database)
    older = a_journal(ROWS[0].replace("CAPTURED", "AUTHORISED"))
    import_journal(ledger, a_journal(ROWS[0]))
    import_journal(ledger, older.replace(b"26/03/11_02:04:00", b"26/03/11_01:00:00"))

    (finding,) = report_of_day(ledger).content()["findings"]

    assert finding["file"]["status"] == "CAPTURED"


def test_a_file_changes_nothing_that_was_told(ledger: Ledger) -> None:
    before = _told(ledger)

    import_journal(ledger, a_journal(ROWS[0]))
    report_of_day(ledger)

    assert _told(ledger) == before


def test_a_delivery_in_quarantine_is_named_beside_what_was_never_told(ledger: Ledger) -> None:
    fields = {"vads_trans_id": "900004", "vads_trans_uuid": "d" * 32}
    forged = receive(ledger, form_body(_form_of(**fields), key="another key"))

    findings = report_of_day(ledger).content()["findings"]

    waiting = {finding["trans_id"]: finding["delivery_id"] for finding in findings}
    assert waiting["900004"] == forged.id
    assert next(each for each in findings if each["trans_id"] == "900004")["cause"] == "waits"
    assert check_reports(ledger.database, ledger.sealing).faults == []


def test_a_capture_of_which_no_shop_is_told_is_no_gap(database: Database) -> None:
    ledger = a_ledger(database)
    receive(ledger, a_payment("410001", "091504", order_id="CMD-1"))
    import_journal(ledger, a_journal(ROWS[0]))

    (finding,) = report_of_day(ledger).content()["findings"]

    assert (finding["result"], finding["cause"]) == ("behind", "captures-not-told")
    with ledger.database.connect() as connection:
        (known,) = completeness(connection, Scope(SHOP_ID, "TEST", DAY, DAY))
    assert (known.day_state, known.score) == ("proven", 1.0)


def _form_of(**fields: str) -> dict[str, str]:
    return dict(parse_qsl(a_form_call().decode(), keep_blank_values=True)) | fields


def _told(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.database.connect() as connection:
        query = "SELECT position, topic, state, details, origin_id FROM events ORDER BY position"
        return [tuple(row) for row in connection.execute(text(query))]
