"""Why something was not told: a silence of all calls, or a kind of notification never sent."""

from ledger.application import Ledger
from ledger.audit.reports import check_reports
from ledger.storage.database import Database
from tests.builders import a_ledger, receive
from tests.reconciliation.comparing import (
    ROWS,
    a_journal,
    a_payment,
    a_row,
    at,
    import_journal,
    receive_at,
    report_of_day,
)

BEFORE, AFTER = "100000", "140000"
REFUND = ROWS[4]


def a_ledger_with_calls(database: Database, *moments: str) -> Ledger:
    """A ledger to which a call came at each of these moments."""
    ledger = a_ledger(database, since=at(moments[-1]))
    receive_at(ledger, *moments)
    return ledger


def causes_of(ledger: Ledger, *detail_lines: str) -> list[tuple[str, str | None]]:
    import_journal(ledger, a_journal(*detail_lines))
    findings = report_of_day(ledger).content()["findings"]
    assert check_reports(ledger.database, ledger.sealing).faults == []
    return [(f["cause"], f["silence"]) for f in findings if f["result"] == "never-told"]


def test_payments_in_a_silence_name_the_calls_before_and_after_it(database: Database) -> None:
    ledger = a_ledger_with_calls(database, BEFORE, AFTER)

    causes = causes_of(ledger, *(a_row(500_000 + n, f"11{n}000") for n in range(5)))

    silences = {silence for _, silence in causes}
    assert {cause for cause, _ in causes} == {"silence-window"}
    (silence,) = silences
    assert silence is not None
    assert [each[:19] for each in silence.split("/")] == [
        "2026-03-10T10:00:00",
        "2026-03-10T14:00:00",
    ]


def test_a_quiet_hour_with_few_payments_is_no_silence(database: Database) -> None:
    ledger = a_ledger_with_calls(database, BEFORE, AFTER)

    causes = causes_of(ledger, *(a_row(500_000 + n, f"11{n}000") for n in range(4)))

    assert causes == [(None, None)] * 4


def test_calls_lost_between_others_are_no_silence(database: Database) -> None:
    ledger = a_ledger_with_calls(database, BEFORE, "112500", AFTER)

    causes = causes_of(ledger, *(a_row(500_000 + n, f"11{n}000") for n in range(6)))

    assert causes == [(None, None)] * 6


def test_a_refund_of_a_shop_without_back_office_calls_names_the_rule(database: Database) -> None:
    ledger = a_ledger_with_calls(database, BEFORE)

    assert causes_of(ledger, REFUND) == [("rule-never-seen", None)]


def test_a_rule_that_was_once_seen_is_no_cause(database: Database) -> None:
    ledger = a_ledger_with_calls(database, BEFORE)
    receive(ledger, a_payment("100099", BEFORE, url_check_src="MERCH_BO"))

    assert causes_of(ledger, REFUND) == [(None, None)]
